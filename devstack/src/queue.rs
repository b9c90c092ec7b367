//! A Service Bus queue stand-in: peek-lock, duplicate detection, redelivery at once, dead letters, sessions.
//!
//! [`Queue`] is the handle that waits and wakes; what happens to a message is decided in `state.rs`, which is pure;
//! `journal.rs` keeps it on disk.

mod backlog;
mod dead_letters;
mod duplicates;
mod journal;
mod locks;
mod message;
mod outcome;
mod sessions;
mod state;
mod transition;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
pub use journal::JournalError;
use journal::{Entry, Journal};
pub use message::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, Message, Properties,
};
pub use outcome::{Abandoned, Counts, Enqueued, LockLost, Peeked, Refused, SessionLost};
pub use sessions::SessionLock;
use state::{Admitted, State};
pub use transition::Transition;

/// How the queue is set up; the defaults are those of the queue in Azure.
#[derive(Debug, Clone, Copy)]
pub struct QueueOptions {
    /// How long one hand-out is locked, and by how much a renewal extends it.
    pub lock_duration: Duration,
    /// Hand-outs before a message is dead-lettered.
    pub max_delivery_count: u32,
    /// How long a message id is remembered.
    pub duplicate_window: Duration,
    /// How long a message may wait at most.
    pub time_to_live: Duration,
    /// Every message belongs to a session, and a session has one receiver at a time.
    pub sessions: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(5 * 60),
            max_delivery_count: 10,
            duplicate_window: Duration::from_secs(10 * 60),
            time_to_live: Duration::from_secs(14 * 24 * 60 * 60),
            sessions: false,
        }
    }
}

/// A handle on one queue; clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    sessions: bool,
    clock: Clock,
    kept: Mutex<Kept>,
    // Marked at every transition, also a hand-out: a receiver that waits must learn when that lock would end.
    changed: watch::Sender<()>,
    transitions: broadcast::Sender<Transition>,
    troubles: OnceLock<UnboundedSender<String>>,
}

/// The state, and where it is written down.
#[derive(Debug)]
struct Kept {
    state: State,
    journal: Option<Journal>,
    // Told once, until the journal can be written again.
    in_trouble: bool,
}

/// More than a test or a screen ever lags behind.
const TRANSITIONS_KEPT: usize = 16 * 1024;

impl Queue {
    /// An empty queue, in memory.
    #[must_use]
    pub fn new(name: impl Into<String>, options: QueueOptions, clock: Clock) -> Self {
        Self::with(name.into(), State::new(options), None, clock)
    }

    /// The queue that is kept in the file `path`; an empty one when there is none yet.
    ///
    /// Numbers go on where they stopped, and so do times when the machine's clock was set back. Messages that were
    /// locked when the last process ended wait again, their hand-outs counted.
    ///
    /// # Errors
    /// [`JournalError`] when the file is damaged, in use, or not to be read or written.
    pub fn open(
        name: impl Into<String>,
        options: QueueOptions,
        clock: Clock,
        path: &Path,
    ) -> Result<Self, JournalError> {
        let name = name.into();
        let (journal, state, clock) = Journal::open(path, &name, options, clock)?;
        Ok(Self::with(name, state, Some(journal), clock))
    }

    fn with(name: String, state: State, journal: Option<Journal>, clock: Clock) -> Self {
        let sessions = state.options.sessions;
        let kept = Kept {
            state,
            journal,
            in_trouble: false,
        };
        let shared = Shared {
            name,
            sessions,
            clock,
            kept: Mutex::new(kept),
            changed: watch::Sender::new(()),
            transitions: broadcast::Sender::new(TRANSITIONS_KEPT),
            troubles: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Where to tell that the journal cannot be written; the first caller's place counts.
    pub fn tell_troubles_to(&self, place: UnboundedSender<String>) {
        self.shared.troubles.set(place).ok();
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Whether every message belongs to a session.
    #[must_use]
    pub fn requires_sessions(&self) -> bool {
        self.shared.sessions
    }

    /// The clock this queue goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Every transition from now on, in order.
    #[must_use]
    pub fn transitions(&self) -> broadcast::Receiver<Transition> {
        self.shared.transitions.subscribe()
    }

    /// Accepts a message, or drops it as a duplicate.
    ///
    /// # Errors
    /// [`Refused`] when it has no session and needs one, or cannot be written down.
    pub fn enqueue(&self, message: Message) -> Result<Enqueued, Refused> {
        let enqueued = self.send(vec![message])?;
        Ok(enqueued.first().copied().unwrap_or(Enqueued::Duplicate))
    }

    /// Accepts the messages of one send, all or none, each as [`Queue::enqueue`] does.
    ///
    /// # Errors
    /// [`Refused`] when one has no session and needs one, or they cannot be written down.
    pub fn send(&self, messages: Vec<Message>) -> Result<Vec<Enqueued>, Refused> {
        let mut kept = self.kept();
        let admitted = kept.state.admit(messages, self.now())?;
        kept.write(&admitted)?;
        let enqueued = kept.state.accept(admitted);
        self.tell(kept);
        Ok(enqueued)
    }

    /// Waits for a message and locks it.
    pub async fn receive(&self) -> Delivery {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(delivery) = self.try_receive() {
                return delivery;
            }
            let expiry = self.kept().state.next_lock_expiry();
            tokio::select! {
                // The sender lives as long as `self`: there is no error to see.
                _ = changed.changed() => {}
                () = self.wait_for(expiry) => {}
            }
        }
    }

    /// Locks a message, if one waits.
    #[must_use]
    pub fn try_receive(&self) -> Option<Delivery> {
        self.change(State::receive)
    }

    /// How many messages are where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.change(State::counts)
    }

    /// Every message that waits or is locked, oldest first.
    #[must_use]
    pub fn peek(&self) -> Vec<Peeked> {
        self.kept().state.peek()
    }

    /// The dead letters, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.kept().state.dead.all()
    }

    /// Puts a letter among the dead as it is, with numbers and times of its own: to set a stage for tests.
    pub fn bury(&self, letter: DeadLetter) {
        self.change(|state, _| state.bury_letter(letter));
    }

    /// Lets `act` change the state, writes down what changed, and tells it.
    fn change<T>(&self, act: impl FnOnce(&mut State, OffsetDateTime) -> T) -> T {
        let mut kept = self.kept();
        let now = self.now();
        let result = act(&mut kept.state, now);
        if let Some(trouble) = kept.note(now) {
            self.tell_trouble(trouble);
        }
        self.tell(kept);
        result
    }

    /// Tells what changed, in the order of events, which needs the lock.
    fn tell(&self, mut kept: MutexGuard<'_, Kept>) {
        let transitions = kept.state.take_transitions();
        if transitions.is_empty() {
            return;
        }
        for transition in transitions {
            // An error means that nobody listens.
            self.shared.transitions.send(transition).ok();
        }
        drop(kept);
        self.shared.changed.send_replace(());
    }

    fn tell_trouble(&self, trouble: String) {
        if let Some(place) = self.shared.troubles.get() {
            // Nobody listens any more when the stack is going down.
            place.send(trouble).ok();
        }
    }

    async fn wait_for(&self, expiry: Option<OffsetDateTime>) {
        match expiry {
            Some(expiry) => self.shared.clock.sleep_until(expiry).await,
            None => std::future::pending().await,
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.shared.clock.now()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No transition panics half-way, so what a poisoned lock holds is whole.
        let kept = self.shared.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Writes down the messages of one send, before they are accepted.
    fn write(&mut self, admitted: &[Admitted]) -> Result<(), Refused> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let new = admitted.iter().filter_map(Admitted::entry);
        let written = journal.append(new);
        written.map_err(|error| Refused::NotKept(journal.cannot(&error)))
    }

    /// Writes down what has changed already; returns what a person should know.
    fn note(&mut self, now: OffsetDateTime) -> Option<String> {
        let journal = self.journal.as_mut()?;
        let noted = journal.note(self.state.transitions().iter().filter_map(Entry::of));
        let compacted = noted.and_then(|()| {
            if journal.is_worth_compacting(self.state.len()) {
                journal.compact(&self.state.entries(now))
            } else {
                Ok(())
            }
        });
        let known = std::mem::replace(&mut self.in_trouble, compacted.is_err());
        let error = compacted.err().filter(|_| !known)?;
        Some(format!(
            "{}; what was settled meanwhile may be delivered again",
            journal.cannot(&error)
        ))
    }

    /// Writes down the hand-out of a dead letter, which is no transition.
    fn note_letter(&mut self, delivery: &DeadDelivery) {
        if let Some(journal) = &mut self.journal {
            let entry = Entry::LetterHandedOut {
                sequence: delivery.letter.accepted.sequence,
                delivery_count: delivery.letter.delivery_count,
            };
            // What fails is owed, and told with the next transition.
            journal.note([entry]).ok();
        }
    }
}
