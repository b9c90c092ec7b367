//! Receiving: a message is handed out under a lock, which is kept, and the message settled.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Queue;
use super::amqp_form::PropertyChanges;
use super::message::{DeadLetterReason, Delivery};
use super::outcome::{Abandoned, Holder, LockLost, NoSuchNumber, SessionLost};
use super::state::Taker;

impl Queue {
    /// Waits for a message and locks it.
    pub async fn receive(&self) -> Delivery {
        self.until(|| self.try_receive()).await
    }

    /// The same for a receiver elsewhere, or one that takes the message off the queue at once.
    pub(crate) async fn receive_by(&self, taker: Taker) -> Delivery {
        self.until(|| self.try_receive_by(taker)).await
    }

    /// Locks a message, if one waits.
    #[must_use]
    pub fn try_receive(&self) -> Option<Delivery> {
        self.try_receive_by(Taker::locking(Holder::InProcess))
    }

    pub(crate) fn try_receive_by(&self, taker: Taker) -> Option<Delivery> {
        self.shared.change(|state, now| state.receive(taker, now))
    }

    /// Takes a message off the queue at once, if one waits: nothing is locked, and nothing to
    /// settle.
    #[must_use]
    pub fn try_receive_and_delete(&self) -> Option<Delivery> {
        self.try_receive_by(Taker {
            by: Holder::InProcess,
            deletes: true,
        })
    }

    /// Locks deferred messages by their numbers: all of these, or none. On a queue with sessions
    /// they have to be of the session that is held under this token.
    ///
    /// # Errors
    /// [`NoSuchNumber`] names one that is not deferred, or is locked; [`SessionLost`] when the
    /// session is not held.
    pub fn receive_deferred(
        &self,
        numbers: &[u64],
        session: Option<Uuid>,
    ) -> Result<Result<Vec<Delivery>, NoSuchNumber>, SessionLost> {
        self.receive_deferred_by(numbers, session, Taker::locking(Holder::InProcess))
    }

    pub(crate) fn receive_deferred_by(
        &self,
        numbers: &[u64],
        session: Option<Uuid>,
        taker: Taker,
    ) -> Result<Result<Vec<Delivery>, NoSuchNumber>, SessionLost> {
        self.shared
            .change(|state, now| state.receive_deferred(numbers, session, taker, now))
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
        self.abandon_with(lock_token, PropertyChanges::default())
    }

    /// Gives a message back with other application properties.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: nothing was changed then.
    pub fn abandon_with(
        &self,
        lock_token: Uuid,
        changes: PropertyChanges,
    ) -> Result<Abandoned, LockLost> {
        self.shared
            .change(|state, now| state.abandon(lock_token, changes, now))
    }

    /// Gives a message back that its receiver has not looked at: it is available at once, and this
    /// hand-out does not count.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn give_back(&self, lock_token: Uuid) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.give_back(lock_token, now))
    }

    /// Sets a message aside, until a receiver asks for it by its number.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn defer(&self, lock_token: Uuid, changes: PropertyChanges) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.defer(lock_token, changes, now))
    }

    /// Makes a message a dead letter.
    ///
    /// # Errors
    /// [`LockLost`] when the lock has ended: the message is, or was, handed out again.
    pub fn dead_letter(
        &self,
        lock_token: Uuid,
        reason: DeadLetterReason,
        changes: PropertyChanges,
    ) -> Result<(), LockLost> {
        self.shared
            .change(|state, now| state.dead_letter_by(lock_token, reason, changes, now))
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
