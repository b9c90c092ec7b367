//! A Service Bus queue stand-in: peek-lock, duplicate detection, redelivery at once, dead letters,
//! sessions.
//!
//! The way of a message:
//!
//! ```text
//! send      admitted, written down, accepted   it waits       state.rs
//! receive   handed out under a lock            it is locked   state/delivery.rs, sessions.rs
//! complete                                     it is gone
//! defer                                        it is handed out by its number only
//! abandon, or the lock ends                    it waits again, or is a dead letter after its last
//!                                              hand-out
//! ```
//!
//! A settlement passes [`Queue`], the handle; `shared.rs`, which takes the time, holds the lock and
//! wakes; `state`, which is pure and decides; `transition.rs`, what has happened now; and
//! `journal.rs`, which keeps it on disk.

mod amqp_form;
mod journal;
mod letters;
mod message;
mod outcome;
mod receive;
mod receivers;
mod session_locks;
mod shared;
mod state;
mod transition;

use std::path::Path;
use std::sync::Arc;

use stand_in::Clock;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;
#[cfg(feature = "amqp")]
use tokio::sync::watch;
use uuid::Uuid;

pub use amqp_form::{AmqpBytes, AmqpForm, BodyKind, PropertyChanges};
use journal::Journal;
pub use journal::JournalError;
pub use message::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, ID_MAX, MESSAGE_MAX, Message,
    Properties, SessionLock,
};
pub use outcome::{
    Abandoned, Counts, Enqueued, HeldLock, HeldSession, Holder, LockLost, MessageState,
    NoSuchNumber, Peeked, SendRefused, SessionHeld, SessionLost,
};
pub use receivers::Receiver;
#[cfg(feature = "amqp")]
pub(crate) use receivers::{ReceiverEntry, Registration};
use shared::QueueShared;
pub use state::QueueOptions;
use state::State;
pub(crate) use state::Taker;
pub use transition::Transition;

/// A handle on one queue; clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<QueueShared>,
}

impl Queue {
    /// An empty queue, in memory.
    #[must_use]
    pub fn new(name: impl Into<String>, options: QueueOptions, clock: Clock) -> Self {
        Self::with(name.into(), State::new(options), None, clock)
    }

    /// The queue that is kept in the file `path`; an empty one when there is none yet.
    ///
    /// Numbers go on where they stopped, and so do times when the machine's clock was set back.
    /// Messages that were locked when the last process ended wait again, their hand-outs counted.
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
        let shared = QueueShared::new(name, state, journal, clock);
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Where to tell that the journal cannot be written; the first caller's place counts.
    pub fn tell_troubles_to(&self, place: UnboundedSender<String>) {
        self.shared.tell_troubles_to(place);
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Whether every message belongs to a session.
    #[must_use]
    pub fn requires_sessions(&self) -> bool {
        self.shared.requires_sessions
    }

    /// The clock this queue goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Every transition from now on, in order.
    #[must_use]
    pub fn transitions(&self) -> broadcast::Receiver<Transition> {
        self.shared.transitions()
    }

    /// Hands nothing out from now on, or does so again; it takes what is sent, and settles what is
    /// out. As `ReceiveDisabled` in Azure, and it does not outlive the process.
    pub fn pause(&self, paused: bool) {
        self.shared.change(|state, _| state.paused = paused);
        self.shared.wake();
    }

    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.look(|state| state.paused)
    }

    /// Hand-outs before a message is dead-lettered.
    #[must_use]
    pub fn max_delivery_count(&self) -> u32 {
        self.shared.look(|state| state.options.max_delivery_count)
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.change(State::counts)
    }

    /// Every message that is no dead letter, oldest first: it waits, is locked, deferred or
    /// scheduled.
    #[must_use]
    pub fn peek(&self) -> Vec<Peeked> {
        self.shared.change(State::peek)
    }

    /// Messages with this number or a higher one, oldest first, at most so many: those of a
    /// session, or all.
    #[must_use]
    pub fn peek_from(&self, number: u64, count: usize, session: Option<&str>) -> Vec<Peeked> {
        self.shared
            .change(|state, now| state.peek_from(number, count, session, now))
    }

    /// Who holds which message since when, dead letters included.
    #[must_use]
    pub fn held_locks(&self) -> Vec<HeldLock> {
        self.shared.change(State::held_locks)
    }

    /// Wakes at every change from now on.
    #[cfg(feature = "amqp")]
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }

    /// When somebody who found nothing should look again, although nothing changes until then.
    #[cfg(feature = "amqp")]
    pub(crate) fn next_event(&self) -> Option<OffsetDateTime> {
        self.shared.change(|state, now| {
            // What has come to its end is no event any more: who waits for it would not sleep.
            state.pass_time(now);
            let letters = state.next_letter_expiry(now);
            state.next_event().into_iter().chain(letters).min()
        })
    }

    /// The message with this number, if it is no dead letter and is not scheduled.
    #[must_use]
    pub fn find(&self, sequence: u64) -> Option<Peeked> {
        self.shared.look(|state| state.find(sequence))
    }

    /// The message that is handed out under this lock.
    #[must_use]
    pub fn handed_out(&self, lock_token: Uuid) -> Option<Peeked> {
        self.shared.look(|state| state.handed_out(lock_token))
    }

    /// Tries until there is something for a receiver: again at every change, and when the next lock
    /// ends.
    async fn until<T>(&self, attempt: impl Fn() -> Option<T>) -> T {
        let next_expiry = |state: &State, _: OffsetDateTime| state.next_event();
        self.shared.until(attempt, next_expiry).await
    }
}

/// Sending.
impl Queue {
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

    /// Calls scheduled messages off: all of these, or none.
    ///
    /// # Errors
    /// [`NoSuchNumber`] names one that is not scheduled, or not any more.
    pub fn cancel_scheduled(&self, numbers: &[u64]) -> Result<(), NoSuchNumber> {
        self.shared
            .change(|state, now| state.cancel_scheduled(numbers, now))
    }
}
