//! A Service Bus queue stand-in: peek-lock, duplicate detection, redelivery at once, dead letters,
//! sessions.
//!
//! The way of a message:
//!
//! ```text
//! send      admitted, written down, accepted   it waits       state.rs
//! receive   handed out under a lock            it is locked   state/delivery.rs, sessions.rs
//! complete                                     it is gone
//! abandon, or the lock ends                    it waits again, or is a dead letter after its last
//!                                              hand-out
//! ```
//!
//! A settlement passes [`Queue`], the handle; `shared.rs`, which takes the time, holds the lock and
//! wakes; `state`, which is pure and decides; `transition.rs`, what has happened now; and
//! `journal.rs`, which keeps it on disk.

mod journal;
mod message;
mod outcome;
mod shared;
mod state;
mod transition;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stand_in::Clock;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use uuid::Uuid;

use journal::Journal;
pub use journal::JournalError;
pub use message::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, ID_MAX, MESSAGE_MAX, Message,
    Properties, SessionLock,
};
pub use outcome::{Abandoned, Counts, Enqueued, LockLost, Peeked, SendRefused, SessionLost};
use shared::QueueShared;
pub use state::QueueOptions;
use state::State;
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

    /// Every message that waits or is locked, oldest first.
    #[must_use]
    pub fn peek(&self) -> Vec<Peeked> {
        self.shared.look(State::peek)
    }

    /// The message with this number, if it waits or is locked.
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
        let next_expiry = |state: &State, _| state.next_lock_expiry();
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
}

/// Receiving: a message is handed out under a lock, which is kept, and the message settled.
impl Queue {
    /// Waits for a message and locks it.
    pub async fn receive(&self) -> Delivery {
        self.until(|| self.try_receive()).await
    }

    /// Locks a message, if one waits.
    #[must_use]
    pub fn try_receive(&self) -> Option<Delivery> {
        self.shared.change(State::receive)
    }

    /// Extends a lock by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended.
    pub fn renew(&self, lock_token: Uuid) -> Result<OffsetDateTime, LockLost> {
        self.shared
            .change(|state, now| state.renew(lock_token, now))
    }

    /// Settles a message for good.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn complete(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.complete(lock_token, now))
    }

    /// Gives a message back: it is available at once, or dead-lettered after its last hand-out.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn abandon(&self, lock_token: Uuid) -> Result<Abandoned, LockLost> {
        self.shared
            .change(|state, now| state.abandon(lock_token, now))
    }

    /// Ends the locks of the messages that are handed out and whose number `is_lost`; returns of
    /// how many.
    ///
    /// It is what a network does to a receiver that cannot renew in time: the message comes again
    /// at once, here or at another receiver, while the first one still works on it. On a queue with
    /// sessions the whole session is lost.
    pub fn lose_locks(&self, is_lost: impl Fn(u64) -> bool) -> usize {
        self.shared
            .change(|state, now| state.lose_locks(is_lost, now))
    }
}

/// Sessions: a receiver holds one at a time, and is handed that session's messages one after
/// another.
impl Queue {
    /// Waits for a session that has a message and that nobody holds, and locks it.
    ///
    /// On a queue without sessions it waits for ever.
    pub async fn accept_session(&self) -> SessionLock {
        let accept = || self.shared.change(State::accept_session);
        let lock = self.until(accept).await;
        // It is no transition, and yet a receiver that waits must learn when this lock ends.
        self.shared.wake();
        lock
    }

    /// Waits for the next message of a session, for `patience` at most; nothing when none came.
    ///
    /// # Errors
    /// [`SessionLost`] when the session's lock has ended.
    pub async fn receive_in_session(
        &self,
        session: Uuid,
        patience: Duration,
    ) -> Result<Option<Delivery>, SessionLost> {
        let receive = || {
            let received = self
                .shared
                .change(|state, now| state.receive_in(session, now));
            received.transpose()
        };
        match timeout(patience, self.until(receive)).await {
            Ok(received) => received.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Extends a session's lock by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`SessionLost`] when it has ended.
    pub fn renew_session(&self, session: Uuid) -> Result<OffsetDateTime, SessionLost> {
        self.shared
            .change(|state, now| state.renew_session(session, now))
    }

    /// Lets go of a session: another receiver may take it at once.
    pub fn close_session(&self, session: Uuid) {
        self.shared
            .change(|state, now| state.close_session(session, now));
        self.shared.wake();
    }
}

/// Dead letters: the same peek-lock as for messages, but a letter that is given back counts for
/// nothing.
impl Queue {
    /// The dead letters, oldest first, locked or not.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.look(State::dead_letters)
    }

    /// Puts a letter among the dead as it is, with numbers and times of its own: to set a stage for
    /// tests.
    pub fn add_dead_letter(&self, letter: DeadLetter) {
        self.shared.change(|state, _| state.add_dead_letter(letter));
    }

    /// Waits for a dead letter and locks it.
    pub async fn receive_dead_letter(&self) -> DeadDelivery {
        self.shared
            .until(|| self.try_receive_dead_letter(), State::next_letter_expiry)
            .await
    }

    /// Locks a dead letter, if one is free.
    #[must_use]
    pub fn try_receive_dead_letter(&self) -> Option<DeadDelivery> {
        self.shared.change(State::receive_dead_letter)
    }

    /// Extends the lock of a dead letter by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended.
    pub fn renew_dead_letter(&self, lock_token: Uuid) -> Result<OffsetDateTime, LockLost> {
        self.shared
            .change(|state, now| state.renew_dead_letter(lock_token, now))
    }

    /// Deletes a dead letter for good.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn complete_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.complete_dead_letter(lock_token, now))
    }

    /// Gives a dead letter back: it is free at once, at its old place.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn unlock_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        let unlocked = self
            .shared
            .change(|state, now| state.unlock_dead_letter(lock_token, now));
        self.shared.wake();
        unlocked
    }
}
