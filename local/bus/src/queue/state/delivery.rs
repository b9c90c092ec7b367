//! Deliveries: a message is handed out under a lock, and then completed, or it waits again, or it
//! is a dead letter.

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::Waiting;
use crate::queue::message::{Accepted, DeadLetterReason, Delivery};
use crate::queue::outcome::{Abandoned, LockLost, Peeked};
use crate::queue::transition::Transition;

/// A message that is handed out; on a queue with sessions `until` follows the session's lock.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) message: Waiting,
    pub(super) until: OffsetDateTime,
}

impl Locked {
    pub(super) fn peeked(&self) -> Peeked {
        self.message.peeked(Some(self.until))
    }
}

impl State {
    /// Hands out the oldest message that waits; on a queue with sessions nothing, see
    /// [`State::receive_in`].
    pub(in crate::queue) fn receive(&mut self, now: OffsetDateTime) -> Option<Delivery> {
        if self.options.sessions || self.paused {
            return None;
        }
        self.release_expired_locks(now);
        let until = now + self.options.lock_duration;
        loop {
            let message = self.backlog.pop_first()?;
            if let Some(delivery) = self.hand_out(message, until, now) {
                return Some(delivery);
            }
        }
    }

    /// Locks a message; nothing when it has expired.
    pub(super) fn hand_out(
        &mut self,
        mut message: Waiting,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Option<Delivery> {
        if message.accepted.expires <= now {
            self.dead_letter(message, DeadLetterReason::TtlExpired, now);
            return None;
        }
        message.delivery_count += 1;
        let delivery = Delivery {
            accepted: Accepted::clone(&message.accepted),
            delivery_count: message.delivery_count,
            lock_token: Uuid::new_v4(),
            locked_until: until,
        };
        self.transitions.push(Transition::Locked {
            sequence: delivery.accepted.sequence,
            delivery_count: delivery.delivery_count,
            lock_token: delivery.lock_token,
        });
        let locked = Locked { message, until };
        self.locked.insert(delivery.lock_token, locked);
        Some(delivery)
    }

    /// Extends a lock; on a queue with sessions the session's lock decides, and this changes
    /// nothing.
    pub(in crate::queue) fn renew(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        self.release_expired_locks(now);
        let locked = self.locked.get_mut(&token).ok_or(LockLost)?;
        if !self.options.sessions {
            locked.until = now + self.options.lock_duration;
        }
        Ok(locked.until)
    }

    pub(in crate::queue) fn complete(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        self.release_expired_locks(now);
        let locked = self.locked.remove(&token).ok_or(LockLost)?;
        let sequence = locked.message.accepted.sequence;
        self.transitions.push(Transition::Completed { sequence });
        Ok(())
    }

    pub(in crate::queue) fn abandon(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<Abandoned, LockLost> {
        self.release_expired_locks(now);
        let locked = self.locked.remove(&token).ok_or(LockLost)?;
        Ok(self.release(locked.message, now))
    }

    /// Ends the locks of messages with such numbers; returns of how many.
    pub(in crate::queue) fn lose_locks(
        &mut self,
        is_lost: impl Fn(u64) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        self.release_expired_locks(now);
        let is_lost = |locked: &Locked| is_lost(locked.message.accepted.sequence);
        if self.options.sessions {
            self.lose_sessions(is_lost, now)
        } else {
            self.release_where(is_lost, now)
        }
    }

    pub(super) fn release_expired_locks(&mut self, now: OffsetDateTime) {
        if self.options.sessions {
            self.release_expired_sessions(now);
        } else {
            self.release_where(|locked| locked.until <= now, now);
        }
    }

    fn release_where(&mut self, ended: impl Fn(&Locked) -> bool, now: OffsetDateTime) -> usize {
        let ended = self.locked.extract_if(|_, locked| ended(locked));
        let ended: Vec<Locked> = ended.map(|(_, locked)| locked).collect();
        let count = ended.len();
        for locked in ended {
            self.release(locked.message, now);
        }
        count
    }

    pub(super) fn release(&mut self, message: Waiting, now: OffsetDateTime) -> Abandoned {
        if message.delivery_count >= self.options.max_delivery_count {
            let reason = DeadLetterReason::MaxDeliveryCountExceeded;
            self.dead_letter(message, reason, now);
            return Abandoned::DeadLettered(reason);
        }
        self.transitions.push(Transition::Released {
            sequence: message.accepted.sequence,
            delivery_count: message.delivery_count,
        });
        self.backlog.insert(message);
        Abandoned::Available
    }
}
