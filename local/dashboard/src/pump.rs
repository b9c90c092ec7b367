//! Brings what the parts tell to the model, and the model's changes to the pages.

use std::sync::Arc;
use std::time::Duration;

use blob::BlobHandle;
use bus::Transition;
use host::{Event, Level};
use logic_app::mail::{Mail, OutboxReader};
use logic_app::{LogicAppHandle, Received};
use stand_in::Seen;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

use super::snapshot;
use super::state::DashboardState;

/// Between two ticks, at least.
const TICK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct PartsToHear {
    transitions: Receiver<Transition>,
    events: Receiver<Event>,
    requests: Receiver<Seen>,
    handed_over: Receiver<Received>,
    mails: Receiver<Arc<Mail>>,
}

/// What a part tells.
enum PartEvent {
    Transition(Transition),
    Host(Event),
    Request(Seen),
    HandedOver(Received),
    Mail(Arc<Mail>),
    /// So many were missed.
    Missed(u64),
}

impl PartsToHear {
    /// Listens from now on.
    pub(super) fn subscribe(state: &DashboardState, events: Receiver<Event>) -> Self {
        let blob = state.blob.as_ref();
        let logic_app = state.logic_app.as_ref();
        let outbox = state.outbox.as_ref();
        Self {
            transitions: state.queue.transitions(),
            events,
            requests: blob.map_or_else(silent, BlobHandle::seen),
            handed_over: logic_app.map_or_else(silent, LogicAppHandle::arrivals),
            mails: outbox.map_or_else(silent, OutboxReader::arrivals),
        }
    }

    /// Tells the model what there is already. What happens meanwhile is told afterwards, and again
    /// leads to what is true.
    pub(super) fn look_around(state: &DashboardState) {
        let messages = state.queue.peek();
        let letters = state.queue.dead_letters();
        let taken = state.logic_app.as_ref().map(|it| it.received_after(0));
        let mails = state.outbox.as_ref().map(OutboxReader::mails);
        let mut model = state.model();
        let taken = taken.unwrap_or_default();
        model.found(&messages, &letters, &taken, state.started);
        for mail in mails.unwrap_or_default() {
            model.found_mail(&mail);
        }
    }

    /// Never ends.
    pub(super) async fn run(mut self, state: Arc<DashboardState>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut faults) = (0, state.faults());
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    // A switch does not tell that it was turned.
                    let standing = state.faults();
                    if standing != faults {
                        faults = standing;
                        state.model().touch();
                    }
                    let counts = state.queue.counts();
                    let waiting = counts.active + counts.locked;
                    let second = state.model().tick(OffsetDateTime::now_utc(), waiting);
                    let revision = state.model().revision();
                    if revision != told {
                        told = revision;
                        state.tick(revision, &snapshot::changes(&state, second));
                    }
                }
                event = self.next() => tell(&state, &event),
            }
        }
    }

    async fn next(&mut self) -> PartEvent {
        tokio::select! {
            // What is sent first is told first: the queue before the host, the wire before both.
            biased;
            event = recv(&mut self.transitions, PartEvent::Transition) => event,
            event = recv(&mut self.requests, PartEvent::Request) => event,
            event = recv(&mut self.handed_over, PartEvent::HandedOver) => event,
            event = recv(&mut self.mails, PartEvent::Mail) => event,
            event = recv(&mut self.events, PartEvent::Host) => event,
        }
    }
}

fn tell(state: &DashboardState, event: &PartEvent) {
    let now = OffsetDateTime::now_utc();
    if let PartEvent::Host(Event::HandlerExited { .. }) = event {
        state.exits.send_modify(|exits| *exits += 1);
    }
    // Among many a message may be forgotten before its turn comes.
    let forgotten = match event {
        PartEvent::Transition(Transition::Locked {
            sequence,
            lock_token,
            ..
        }) if !state.model().knows(*sequence) => state.queue.handed_out(*lock_token),
        _ => None,
    };
    let mut model = state.model();
    if let Some(peeked) = forgotten {
        return model.recall(&peeked, now);
    }
    match event {
        PartEvent::Transition(transition) => model.transition(transition, now),
        PartEvent::Host(event) => model.event(event, now),
        PartEvent::Request(seen) => {
            // The storefront's carts are on the same port, and are no orders.
            let blob = state.blob.as_ref();
            if blob.is_some_and(|blob| blob.is_asked_by(seen)) {
                model.seen(seen);
            }
        }
        PartEvent::HandedOver(received) => model.handed_over(received),
        PartEvent::Mail(mail) => model.mailed(mail),
        PartEvent::Missed(missed) => {
            let text = format!("too much at once: {missed} events are not shown");
            model.note(Level::Warning, &text, now);
        }
    }
}

/// A part that is not there.
fn silent<T: Clone>() -> Receiver<T> {
    broadcast::Sender::new(1).subscribe()
}

/// The next one, or how many were missed; waits for ever when the part is gone.
async fn recv<T: Clone>(part: &mut Receiver<T>, event: impl FnOnce(T) -> PartEvent) -> PartEvent {
    match part.recv().await {
        Ok(told) => event(told),
        Err(RecvError::Lagged(missed)) => PartEvent::Missed(missed),
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
