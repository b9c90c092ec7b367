//! What the handles of one queue share: its state behind a lock, the journal that keeps it, and
//! those who hear of changes.
//!
//! A send is in the journal before it is in the state: what cannot be written is refused.
//! Everything later is in the state first: what cannot be written then is owed to the journal, and
//! at worst delivered again.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use stand_in::Clock;
use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{broadcast, watch};

use super::journal::Journal;
use super::message::Message;
use super::outcome::{Enqueued, SendRefused};
use super::receivers::Receivers;
use super::state::State;
use super::transition::Transition;

/// More than a test or a screen ever lags behind.
const TRANSITIONS_MAX: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct QueueShared {
    pub(super) name: String,
    pub(super) requires_sessions: bool,
    pub(super) clock: Clock,
    pub(super) receivers: Receivers,
    recorded: Mutex<RecordedState>,
    /// Marked at every transition, also a hand-out: a receiver that waits must learn when that lock
    /// would end.
    changed: watch::Sender<()>,
    transitions: broadcast::Sender<Transition>,
    troubles: OnceLock<UnboundedSender<String>>,
}

/// The state, and where it is written down.
#[derive(Debug)]
struct RecordedState {
    state: State,
    journal: Option<Journal>,
    /// Told once, until the journal can be written again.
    in_trouble: bool,
}

impl QueueShared {
    pub(super) fn new(name: String, state: State, journal: Option<Journal>, clock: Clock) -> Self {
        Self {
            name,
            requires_sessions: state.options.sessions,
            clock,
            receivers: Receivers::default(),
            recorded: Mutex::new(RecordedState {
                state,
                journal,
                in_trouble: false,
            }),
            changed: watch::Sender::new(()),
            transitions: broadcast::Sender::new(TRANSITIONS_MAX),
            troubles: OnceLock::new(),
        }
    }

    pub(super) fn send(&self, messages: Vec<Message>) -> Result<Vec<Enqueued>, SendRefused> {
        let mut recorded = self.lock();
        let now = self.clock.now();
        // Scheduled messages that are due by now were there first.
        recorded.state.pass_time(now);
        self.note(&mut recorded, now);
        let enqueued = recorded.send(messages, now);
        // What time has done is told in any case.
        self.tell(recorded);
        enqueued
    }

    /// Lets `act` change the state, writes down what changed, and tells it.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State, OffsetDateTime) -> T) -> T {
        let mut recorded = self.lock();
        let now = self.clock.now();
        let result = act(&mut recorded.state, now);
        self.note(&mut recorded, now);
        self.tell(recorded);
        result
    }

    fn note(&self, recorded: &mut RecordedState, now: OffsetDateTime) {
        if let (Some(trouble), Some(place)) = (recorded.note(now), self.troubles.get()) {
            // Nobody listens any more when the stack is going down.
            place.send(trouble).ok();
        }
    }

    pub(super) fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(&self.lock().state)
    }

    /// Tells what changed. The lock is held meanwhile, so that it is told in the order in which it
    /// happened; those who wait are woken after it, so that they do not wake only to wait for the
    /// lock.
    fn tell(&self, mut recorded: MutexGuard<'_, RecordedState>) {
        let transitions = recorded.state.take_transitions();
        if transitions.is_empty() {
            return;
        }
        for transition in transitions {
            // An error means that nobody follows.
            self.transitions.send(transition).ok();
        }
        drop(recorded);
        self.wake();
    }

    /// Wakes those who wait: there may be something for them, or another time to look again.
    pub(super) fn wake(&self) {
        self.changed.send_replace(());
    }

    /// Wakes at every change from now on.
    #[cfg(feature = "amqp")]
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn transitions(&self) -> broadcast::Receiver<Transition> {
        self.transitions.subscribe()
    }

    /// Where troubles go; the first caller's place counts.
    pub(super) fn tell_troubles_to(&self, place: UnboundedSender<String>) {
        self.troubles.set(place).ok();
    }

    /// Tries until there is something: again at every change, and when the next lock ends.
    pub(super) async fn until<T>(
        &self,
        attempt: impl Fn() -> Option<T>,
        next_expiry: impl Fn(&State, OffsetDateTime) -> Option<OffsetDateTime>,
    ) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            // Before the attempt: what changes between it and the wait below must wake the wait.
            changed.mark_unchanged();
            if let Some(found) = attempt() {
                return found;
            }
            let expiry = self.look(|state| next_expiry(state, self.clock.now()));
            tokio::select! {
                // The sender lives as long as `self`: there is no error to see.
                _ = changed.changed() => {}
                () = self.sleep_until(expiry) => {}
            }
        }
    }

    async fn sleep_until(&self, expiry: Option<OffsetDateTime>) {
        match expiry {
            Some(expiry) => self.clock.sleep_until(expiry).await,
            None => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, RecordedState> {
        // No transition panics half-way, so what a poisoned lock holds is whole.
        let recorded = self.recorded.lock();
        recorded.unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordedState {
    fn send(
        &mut self,
        messages: Vec<Message>,
        now: OffsetDateTime,
    ) -> Result<Vec<Enqueued>, SendRefused> {
        let admitted = self.state.admit(messages, now)?;
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(&admitted)
        {
            return Err(SendRefused::NotKept(journal.cannot(&error)));
        }
        Ok(self.state.accept(admitted))
    }

    /// Writes down what has changed already; returns what a person should know.
    fn note(&mut self, now: OffsetDateTime) -> Option<String> {
        if self.state.transitions().is_empty() {
            return None;
        }
        let journal = self.journal.as_mut()?;
        let noted = journal
            .note(self.state.transitions())
            .and_then(|()| journal.compact_if_worth_it(&self.state, now));
        let known = std::mem::replace(&mut self.in_trouble, noted.is_err());
        let error = noted.err().filter(|_| !known)?;
        Some(format!(
            "{}; what was settled meanwhile may be delivered again",
            journal.cannot(&error)
        ))
    }
}
