//! Brings what the parts tell to the model, and the model's changes to the pages.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};
use tokio::time::{MissedTickBehavior, interval};

use super::events::Tick;
use super::{Shared, snapshot};
use blob::BlobHandle;
use bus::Transition;
use host::{Event, Level};
use logic_app::mail::{Mail, OutboxReader};
use logic_app::{LogicAppHandle, Received};
use stand_in::Seen;

/// Between two ticks, at least.
const TICK: Duration = Duration::from_millis(100);

/// What the parts tell.
#[derive(Debug)]
pub(super) struct Sources {
    transitions: Receiver<Transition>,
    events: Receiver<Event>,
    requests: Receiver<Seen>,
    handed_over: Receiver<Received>,
    mails: Receiver<Arc<Mail>>,
}

/// One thing that was told.
enum Told {
    Transition(Transition),
    Event(Event),
    Request(Seen),
    HandedOver(Received),
    Mail(Arc<Mail>),
    /// So many were missed.
    Missed(u64),
}

impl Sources {
    /// Listens from now on.
    pub(super) fn subscribe(shared: &Shared, events: Receiver<Event>) -> Self {
        let blob = shared.blob.as_ref();
        let logic_app = shared.logic_app.as_ref();
        let outbox = shared.outbox.as_ref();
        Self {
            transitions: shared.queue.transitions(),
            events,
            requests: blob.map_or_else(silent, BlobHandle::seen),
            handed_over: logic_app.map_or_else(silent, LogicAppHandle::arrivals),
            mails: outbox.map_or_else(silent, OutboxReader::arrivals),
        }
    }

    /// Never ends.
    pub(super) async fn run(mut self, shared: Arc<Shared>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = 0;
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    let revision = shared.model().revision();
                    if revision != told {
                        told = revision;
                        let tick = Tick::new(&shared, revision, &snapshot::changes(&shared));
                        // An error means that no page is open.
                        shared.ticks.send(Arc::new(tick)).ok();
                    }
                }
                something = self.next() => tell(&shared, &something),
            }
        }
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            // What is sent first is told first: the queue before the host, the wire before both.
            biased;
            told = recv(&mut self.transitions) => told.map_or_else(Told::Missed, Told::Transition),
            told = recv(&mut self.requests) => told.map_or_else(Told::Missed, Told::Request),
            told = recv(&mut self.handed_over) => told.map_or_else(Told::Missed, Told::HandedOver),
            told = recv(&mut self.mails) => told.map_or_else(Told::Missed, Told::Mail),
            told = recv(&mut self.events) => told.map_or_else(Told::Missed, Told::Event),
        }
    }
}

fn tell(shared: &Shared, told: &Told) {
    let now = OffsetDateTime::now_utc();
    if let Told::Event(Event::HandlerExited { .. }) = told {
        shared.exits.send_modify(|exits| *exits += 1);
    }
    let mut model = shared.model();
    match told {
        Told::Transition(transition) => model.transition(transition, now),
        Told::Event(event) => model.event(event, now),
        Told::Request(seen) => model.seen(seen),
        Told::HandedOver(received) => model.handed_over(received),
        Told::Mail(mail) => model.mailed(mail),
        Told::Missed(missed) => {
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
async fn recv<T: Clone>(source: &mut Receiver<T>) -> Result<T, u64> {
    match source.recv().await {
        Ok(told) => Ok(told),
        Err(RecvError::Lagged(missed)) => Err(missed),
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
