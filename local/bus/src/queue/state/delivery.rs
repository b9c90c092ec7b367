//! Deliveries: a message is handed out under a lock, and then completed, or it waits again, or it
//! is set aside, or it is a dead letter.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::Waiting;
use super::locks::Locked;
use crate::queue::amqp_form::PropertyChanges;
use crate::queue::message::{Accepted, DeadLetterReason, Delivery};
use crate::queue::outcome::{Abandoned, Holder, LockLost};
use crate::queue::transition::Transition;

/// Who takes a message, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taker {
    pub(crate) by: Holder,
    /// It is off the queue at once: nothing is locked, and nothing settled.
    pub(crate) deletes: bool,
}

impl Taker {
    pub(crate) fn locking(by: Holder) -> Self {
        let deletes = false;
        Self { by, deletes }
    }
}

impl State {
    /// Hands out the oldest message that waits; on a queue with sessions nothing, see
    /// [`State::receive_in`].
    pub(in crate::queue) fn receive(
        &mut self,
        taker: Taker,
        now: OffsetDateTime,
    ) -> Option<Delivery> {
        if self.options.sessions || self.paused {
            return None;
        }
        self.pass_time(now);
        let until = now + self.options.lock_duration;
        loop {
            let message = self.backlog.pop_first()?;
            if let Some(message) = self.unless_expired(message, now) {
                return Some(self.hand_out(message, until, taker, now));
            }
        }
    }

    /// An expired message is not handed out. Service Bus, too, finds that out when a receiver
    /// would get it, and lets deferred messages live for ever.
    pub(super) fn unless_expired(
        &mut self,
        message: Waiting,
        now: OffsetDateTime,
    ) -> Option<Waiting> {
        if message.accepted.expires > now {
            return Some(message);
        }
        if self.options.dead_letter_expired {
            self.dead_letter(message, DeadLetterReason::TtlExpired, now);
        } else {
            let sequence = message.accepted.sequence;
            self.transitions.push(Transition::Expired { sequence });
        }
        None
    }

    /// Locks a message, or lets it go for good.
    pub(super) fn hand_out(
        &mut self,
        mut message: Waiting,
        until: OffsetDateTime,
        taker: Taker,
        now: OffsetDateTime,
    ) -> Delivery {
        message.delivery_count += 1;
        let sequence = message.accepted.sequence;
        let delivery = Delivery {
            accepted: Accepted::clone(&message.accepted),
            delivery_count: message.delivery_count,
            lock_token: Uuid::new_v4(),
            locked_until: until,
        };
        if taker.deletes {
            // One line, not two: between them a kill would bring the message back.
            self.transitions.push(Transition::Completed { sequence });
            return delivery;
        }
        self.transitions.push(Transition::Locked {
            sequence,
            delivery_count: delivery.delivery_count,
            lock_token: delivery.lock_token,
        });
        let locked = Locked {
            message,
            until,
            since: now,
            by: taker.by,
        };
        self.locked.insert(delivery.lock_token, locked);
        delivery
    }

    /// Extends a lock; on a queue with sessions the session's lock decides, and this changes
    /// nothing.
    pub(in crate::queue) fn renew(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        self.pass_time(now);
        if !self.options.sessions {
            let until = now + self.options.lock_duration;
            self.locked.extend(token, until);
        }
        Ok(self.locked.get(token).ok_or(LockLost)?.until)
    }

    pub(in crate::queue) fn complete(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let message = self.settle(token, PropertyChanges::default(), now)?;
        let sequence = message.accepted.sequence;
        self.transitions.push(Transition::Completed { sequence });
        Ok(())
    }

    /// Gives a message back; this hand-out counts.
    pub(in crate::queue) fn abandon(
        &mut self,
        token: Uuid,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<Abandoned, LockLost> {
        let message = self.settle(token, changes, now)?;
        Ok(self.release(message, now))
    }

    /// Gives a message back that its receiver has not looked at: this hand-out does not count.
    pub(in crate::queue) fn give_back(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let message = self.settle(token, PropertyChanges::default(), now)?;
        self.release_uncounted(message, now);
        Ok(())
    }

    /// Sets a message aside, until a receiver asks for it by its number.
    pub(in crate::queue) fn defer(
        &mut self,
        token: Uuid,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let mut message = self.settle(token, changes, now)?;
        message.deferred = true;
        let sequence = message.accepted.sequence;
        self.transitions.push(Transition::Deferred { sequence });
        self.deferred.insert(sequence, message);
        Ok(())
    }

    /// Gives up on a message, as its receiver wishes.
    pub(in crate::queue) fn dead_letter_by(
        &mut self,
        token: Uuid,
        reason: DeadLetterReason,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let message = self.settle(token, changes, now)?;
        self.dead_letter(message, reason, now);
        Ok(())
    }

    /// Takes a message off its lock, changed as its receiver wishes.
    fn settle(
        &mut self,
        token: Uuid,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<Waiting, LockLost> {
        self.pass_time(now);
        let mut message = self.locked.remove(token).ok_or(LockLost)?.message;
        if !changes.is_empty() {
            let sequence = message.accepted.sequence;
            // Before the settlement's own line. A kill between the two leaves what an ended lock
            // leaves, with the properties changed already.
            self.transitions.push(Transition::Changed {
                sequence,
                changes: changes.clone(),
            });
            Arc::make_mut(&mut message.accepted).message.change(changes);
        }
        Ok(message)
    }

    /// Ends the locks of messages with such numbers; returns of how many.
    pub(in crate::queue) fn lose_locks(
        &mut self,
        is_lost: impl Fn(u64) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        self.pass_time(now);
        let is_lost = |locked: &Locked| is_lost(locked.message.accepted.sequence);
        if self.options.sessions {
            return self.lose_sessions(is_lost, now);
        }
        let lost = self.locked.tokens_of(is_lost);
        for token in &lost {
            if let Some(locked) = self.locked.remove(*token) {
                self.release(locked.message, now);
            }
        }
        lost.len()
    }

    pub(super) fn release_ended_locks(&mut self, now: OffsetDateTime) {
        if self.options.sessions {
            self.release_ended_sessions(now);
        } else {
            while let Some(ended) = self.locked.pop_ended(now) {
                self.release(ended.message, now);
            }
        }
    }

    pub(super) fn release_uncounted(&mut self, mut message: Waiting, now: OffsetDateTime) {
        message.delivery_count = message.delivery_count.saturating_sub(1);
        self.release(message, now);
    }

    fn release(&mut self, message: Waiting, now: OffsetDateTime) -> Abandoned {
        if message.delivery_count >= self.options.max_delivery_count {
            let reason = DeadLetterReason::MaxDeliveryCountExceeded;
            self.dead_letter(message, reason.clone(), now);
            return Abandoned::DeadLettered(reason);
        }
        let sequence = message.accepted.sequence;
        self.transitions.push(Transition::Released {
            sequence,
            delivery_count: message.delivery_count,
        });
        if message.deferred {
            self.deferred.insert(sequence, message);
        } else {
            self.backlog.insert(message);
        }
        Abandoned::Available
    }
}
