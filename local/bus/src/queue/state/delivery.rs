//! Deliveries: a message is handed out under a lock, and then completed, or it waits again, or it is a dead letter.

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use crate::queue::backlog::Waiting;
use crate::queue::message::{Accepted, DeadLetterReason, Delivery};
use crate::queue::transition::Transition;
use crate::queue::{Abandoned, LockLost};

impl State {
    /// Hands out the oldest message that waits; on a queue with sessions nothing, see [`State::receive_in`].
    pub(in crate::queue) fn receive(&mut self, now: OffsetDateTime) -> Option<Delivery> {
        if self.options.sessions {
            return None;
        }
        self.release_expired_locks(now);
        let until = now + self.options.lock_duration;
        loop {
            let waiting = self.active.pop_first()?;
            if let Some(delivery) = self.hand_out(waiting, until, now) {
                return Some(delivery);
            }
        }
    }

    /// Locks a message; nothing when it has expired.
    pub(super) fn hand_out(
        &mut self,
        waiting: Waiting,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Option<Delivery> {
        if waiting.accepted.expires <= now {
            self.bury(waiting, DeadLetterReason::TtlExpired, now);
            return None;
        }
        let delivery = Delivery {
            accepted: waiting.accepted,
            delivery_count: waiting.deliveries + 1,
            lock_token: Uuid::new_v4(),
            locked_until: until,
        };
        self.transitions.push(Transition::Locked {
            sequence: delivery.accepted.sequence,
            delivery_count: delivery.delivery_count,
            lock_token: delivery.lock_token,
        });
        self.locked.insert(delivery.lock_token, delivery.clone());
        Some(delivery)
    }

    /// Extends a lock; on a queue with sessions the session's lock decides, and this changes nothing.
    pub(in crate::queue) fn renew(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.get_mut(&token).ok_or(LockLost)?;
        if !self.options.sessions {
            delivery.locked_until = now + self.options.lock_duration;
        }
        Ok(delivery.locked_until)
    }

    pub(in crate::queue) fn complete(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.remove(&token).ok_or(LockLost)?;
        let sequence = delivery.accepted.sequence;
        self.transitions.push(Transition::Completed { sequence });
        Ok(())
    }

    pub(in crate::queue) fn abandon(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<Abandoned, LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.remove(&token).ok_or(LockLost)?;
        let deliveries = delivery.delivery_count;
        Ok(self.release(delivery.accepted, deliveries, now))
    }

    /// Ends the locks of messages with such numbers; returns of how many.
    pub(in crate::queue) fn lose_locks(
        &mut self,
        is_lost: impl Fn(u64) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        self.release_expired_locks(now);
        let lost = |delivery: &Delivery| is_lost(delivery.accepted.sequence);
        if self.options.sessions {
            return self.lose_sessions(lost, now);
        }
        let lost = self.locked.extract_if(|_, delivery| lost(delivery));
        let lost: Vec<Delivery> = lost.map(|(_, delivery)| delivery).collect();
        let count = lost.len();
        for delivery in lost {
            self.release(delivery.accepted, delivery.delivery_count, now);
        }
        count
    }

    pub(super) fn release_expired_locks(&mut self, now: OffsetDateTime) {
        if self.options.sessions {
            return self.release_expired_sessions(now);
        }
        let expired: Vec<Delivery> = self
            .locked
            .extract_if(|_, delivery| delivery.locked_until <= now)
            .map(|(_, delivery)| delivery)
            .collect();
        for delivery in expired {
            self.release(delivery.accepted, delivery.delivery_count, now);
        }
    }

    pub(super) fn release(
        &mut self,
        accepted: Accepted,
        deliveries: u32,
        now: OffsetDateTime,
    ) -> Abandoned {
        let sequence = accepted.sequence;
        let waiting = Waiting {
            accepted,
            deliveries,
        };
        if deliveries >= self.options.max_delivery_count {
            self.bury(waiting, DeadLetterReason::MaxDeliveryCountExceeded, now);
            return Abandoned::DeadLettered(DeadLetterReason::MaxDeliveryCountExceeded);
        }
        self.transitions.push(Transition::Released {
            sequence,
            delivery_count: deliveries,
        });
        self.active.insert(waiting);
        Abandoned::Available
    }
}
