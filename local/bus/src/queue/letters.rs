//! Dead letters: the same peek-lock as for messages, but a letter that is given back counts for
//! nothing.

use time::OffsetDateTime;
use uuid::Uuid;

use super::amqp_form::PropertyChanges;
use super::message::{DeadDelivery, DeadLetter};
use super::outcome::{Holder, LockLost};
use super::state::Taker;
use super::{Queue, State};

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
        self.receive_dead_letter_by(Taker::locking(Holder::InProcess))
            .await
    }

    pub(crate) async fn receive_dead_letter_by(&self, taker: Taker) -> DeadDelivery {
        let attempt = || self.try_receive_dead_letter_by(taker, true);
        self.shared.until(attempt, State::next_letter_expiry).await
    }

    /// Locks a dead letter, if one is free.
    #[must_use]
    pub fn try_receive_dead_letter(&self) -> Option<DeadDelivery> {
        self.try_receive_dead_letter_by(Taker::locking(Holder::InProcess), true)
    }

    /// Over AMQP the hand-out of a dead letter is seen not to count; over REST it does.
    pub(crate) fn try_receive_dead_letter_by(
        &self,
        taker: Taker,
        counted: bool,
    ) -> Option<DeadDelivery> {
        self.shared
            .change(|state, now| state.receive_dead_letter(taker, counted, now))
    }

    /// Locks letters that were set aside, by their numbers: all of these, or none.
    ///
    /// # Errors
    /// Names one that was not set aside, or is locked.
    #[cfg(feature = "amqp")]
    pub(crate) fn receive_deferred_letters_by(
        &self,
        numbers: &[u64],
        taker: Taker,
    ) -> Result<Vec<DeadDelivery>, super::outcome::NoSuchNumber> {
        self.shared
            .change(|state, now| state.receive_deferred_letters(numbers, taker, now))
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
        self.unlock_dead_letter_with(lock_token, PropertyChanges::default())
    }

    /// Gives a dead letter back with other application properties.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: nothing was changed then.
    pub fn unlock_dead_letter_with(
        &self,
        lock_token: Uuid,
        changes: PropertyChanges,
    ) -> Result<(), LockLost> {
        let unlocked = self
            .shared
            .change(|state, now| state.unlock_dead_letter(lock_token, changes, now));
        self.shared.wake();
        unlocked
    }

    /// Sets a dead letter aside, until a receiver asks for it by its number.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the letter is, or was, handed out again.
    pub fn defer_dead_letter(
        &self,
        lock_token: Uuid,
        changes: PropertyChanges,
    ) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.defer_dead_letter(lock_token, changes, now))
    }

    /// Ends the locks of dead letters whose number `is_lost`; returns of how many.
    pub fn lose_letter_locks(&self, is_lost: impl Fn(u64) -> bool) -> usize {
        let lost = self
            .shared
            .change(|state, now| state.lose_letter_locks(is_lost, now));
        self.shared.wake();
        lost
    }
}
