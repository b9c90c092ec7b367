//! A receiver of dead letters: the same peek-lock as for messages, but a letter that is given back counts for nothing.

use time::OffsetDateTime;
use uuid::Uuid;

use super::state::State;
use super::{DeadDelivery, DeadLetter, LockLost, Queue};

impl Queue {
    /// The dead letters, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.kept().state.dead.all()
    }

    /// Puts a letter among the dead as it is, with numbers and times of its own: to set a stage for tests.
    pub fn add_dead_letter(&self, letter: DeadLetter) {
        self.shared.change(|state, _| state.bury_letter(letter));
    }

    /// Waits for a dead letter and locks it.
    pub async fn receive_dead_letter(&self) -> DeadDelivery {
        let next_expiry = |state: &State, now| state.dead.next_lock_expiry(now);
        self.shared
            .until(|| self.try_receive_dead_letter(), next_expiry)
            .await
    }

    /// Locks a dead letter, if one is free.
    #[must_use]
    pub fn try_receive_dead_letter(&self) -> Option<DeadDelivery> {
        let delivery = self.shared.kept().hand_out_letter(self.shared.now())?;
        self.shared.news.wake();
        Some(delivery)
    }

    /// Extends the lock of a dead letter by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended.
    pub fn renew_dead_letter(&self, lock_token: Uuid) -> Result<OffsetDateTime, LockLost> {
        let state = &mut self.shared.kept().state;
        let lock_duration = state.options.lock_duration;
        state
            .dead
            .renew(lock_token, lock_duration, self.shared.now())
    }

    /// Deletes a dead letter for good.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn complete_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.complete_letter(lock_token, now))
    }

    /// Gives a dead letter back: it is free at once, at its old place.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn unlock_dead_letter(&self, lock_token: Uuid) -> Result<(), LockLost> {
        let unlocked = self
            .shared
            .kept()
            .state
            .dead
            .unlock(lock_token, self.shared.now());
        self.shared.news.wake();
        unlocked
    }
}
