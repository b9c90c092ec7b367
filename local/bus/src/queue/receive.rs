//! A receiver of messages: it is handed one under a lock, keeps the lock, and settles.

use time::OffsetDateTime;
use uuid::Uuid;

use super::state::State;
use super::{Abandoned, Delivery, LockLost, Queue};

impl Queue {
    /// Waits for a message and locks it.
    pub async fn receive(&self) -> Delivery {
        let next_expiry = |state: &State, _| state.next_lock_expiry();
        self.shared.until(|| self.try_receive(), next_expiry).await
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

    /// Ends the locks of the messages that are handed out and whose number `is_lost`; returns of how many.
    ///
    /// It is what a network does to a receiver that cannot renew in time: the message comes again at once, here or at
    /// another receiver, while the first one still works on it. On a queue with sessions the whole session is lost.
    pub fn lose_locks(&self, is_lost: impl Fn(u64) -> bool) -> usize {
        self.shared
            .change(|state, now| state.lose_locks(is_lost, now))
    }
}
