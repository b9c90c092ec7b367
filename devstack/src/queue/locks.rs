//! What a receiver does with the lock it holds: on a message of the queue, and on a dead letter.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Abandoned, DeadDelivery, LockLost, Queue};

impl Queue {
    /// Extends a lock by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended.
    pub fn renew(&self, lock_token: Uuid) -> Result<OffsetDateTime, LockLost> {
        self.change(|state, now| state.renew(lock_token, now))
    }

    /// Settles a message for good.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn complete(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.change(|state, now| state.complete(lock_token, now))
    }

    /// Gives a message back: it is available at once, or dead-lettered after its last hand-out.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn abandon(&self, lock_token: Uuid) -> Result<Abandoned, LockLost> {
        self.change(|state, now| state.abandon(lock_token, now))
    }

    /// Ends the locks of the messages that are handed out and whose number `is_lost`; returns of how many.
    ///
    /// It is what a network does to a receiver that cannot renew in time: the message comes again at once, here or at
    /// another receiver, while the first one still works on it. On a queue with sessions the whole session is lost.
    pub fn lose_locks(&self, is_lost: impl Fn(u64) -> bool) -> usize {
        self.change(|state, now| state.lose_locks(is_lost, now))
    }

    /// Waits for a dead letter and locks it.
    pub async fn receive_dead_letter(&self) -> DeadDelivery {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(delivery) = self.try_receive_dead_letter() {
                return delivery;
            }
            let expiry = self.kept().state.dead.next_lock_expiry(self.now());
            tokio::select! {
                // The sender lives as long as `self`: there is no error to see.
                _ = changed.changed() => {}
                () = self.wait_for(expiry) => {}
            }
        }
    }

    /// Locks a dead letter, if one is free.
    #[must_use]
    pub fn try_receive_dead_letter(&self) -> Option<DeadDelivery> {
        let mut kept = self.kept();
        let lock_duration = kept.state.options.lock_duration;
        let delivery = kept.state.dead.receive(lock_duration, self.now())?;
        kept.note_letter(&delivery);
        drop(kept);
        self.shared.changed.send_replace(());
        Some(delivery)
    }

    /// Extends the lock of a dead letter by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended.
    pub fn renew_dead_letter(&self, lock_token: Uuid) -> Result<OffsetDateTime, LockLost> {
        let state = &mut self.kept().state;
        let lock_duration = state.options.lock_duration;
        state.dead.renew(lock_token, lock_duration, self.now())
    }

    /// Deletes a dead letter for good.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn complete_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.change(|state, now| state.complete_letter(lock_token, now))
    }

    /// Gives a dead letter back: it is free at once, at its old place.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn unlock_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        let unlocked = self.kept().state.dead.unlock(lock_token, self.now());
        self.shared.changed.send_replace(());
        unlocked
    }
}
