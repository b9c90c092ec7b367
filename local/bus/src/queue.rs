//! A Service Bus queue stand-in: peek-lock, duplicate detection, redelivery at once, dead letters, sessions.
//!
//! The way of a message:
//!
//! ```text
//! send      admitted, written down, accepted   it waits                  state/admission.rs
//! receive   handed out under a lock            it is locked              state/delivery.rs, state/sessions.rs
//! complete                                     it is gone
//! abandon, or the lock ends                    it waits again, or is a dead letter after its last hand-out
//! ```
//!
//! [`Queue`] is the handle that takes the time, waits and wakes; what happens to a message is decided in `state.rs`,
//! which is pure. `journal.rs` keeps it on disk, and `kept.rs` says which of the two goes first.

mod backlog;
mod dead_letters;
mod duplicates;
mod journal;
mod kept;
mod letters;
mod message;
mod news;
mod options;
mod outcome;
mod receive;
mod sessions;
mod shared;
mod state;
mod transition;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;

use journal::Journal;
pub use journal::JournalError;
use kept::Kept;
pub use message::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, Message, Properties,
};
pub use options::QueueOptions;
pub use outcome::{Abandoned, Counts, Enqueued, LockLost, Peeked, SendRefused, SessionLost};
pub use sessions::SessionLock;
use shared::Shared;
use stand_in::Clock;
use state::State;
pub use transition::Transition;

/// A handle on one queue; clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

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
        let shared = Shared::new(name, Kept::new(state, journal), clock);
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Where to tell that the journal cannot be written; the first caller's place counts.
    pub fn tell_troubles_to(&self, place: UnboundedSender<String>) {
        self.shared.news.tell_troubles_to(place);
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
        self.shared.news.transitions()
    }

    /// Accepts a message, or drops it as a duplicate.
    ///
    /// # Errors
    /// [`SendRefused`] when it has no session and needs one, or cannot be written down.
    pub fn enqueue(&self, message: Message) -> Result<Enqueued, SendRefused> {
        let enqueued = self.send(vec![message])?;
        Ok(enqueued.first().copied().unwrap_or(Enqueued::Duplicate))
    }

    /// Accepts the messages of one send, all or none, each as [`Queue::enqueue`] does.
    ///
    /// # Errors
    /// [`SendRefused`] when one has no session and needs one, or they cannot be written down.
    pub fn send(&self, messages: Vec<Message>) -> Result<Vec<Enqueued>, SendRefused> {
        self.shared.send(messages)
    }

    /// How many messages are where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.change(State::counts)
    }

    /// Every message that waits or is locked, oldest first.
    #[must_use]
    pub fn peek(&self) -> Vec<Peeked> {
        self.shared.kept().state.peek()
    }
}
