//! The queue as a pure state machine: every transition takes the time and waits for nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::dead_letters::DeadLetters;
use super::duplicates::Duplicates;
use super::message::{Accepted, DeadLetter, DeadLetterReason, Delivery, Message};
use super::transition::Transition;
use super::{Abandoned, Counts, Enqueued, LockLost, Peeked, QueueOptions};

/// All that the queue knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: QueueOptions,
    last_sequence: u64,
    duplicates: Duplicates,
    // By sequence number: an abandoned message is the first again, in front of everything that came later.
    active: BTreeMap<u64, Waiting>,
    locked: HashMap<Uuid, Delivery>,
    pub(super) dead: DeadLetters,
    transitions: Vec<Transition>,
}

#[derive(Debug)]
struct Waiting {
    accepted: Accepted,
    deliveries: u32,
}

impl State {
    pub(super) fn new(options: QueueOptions) -> Self {
        Self {
            options,
            last_sequence: 0,
            duplicates: Duplicates::new(options.duplicate_window),
            active: BTreeMap::new(),
            locked: HashMap::new(),
            dead: DeadLetters::default(),
            transitions: Vec::new(),
        }
    }

    /// What changed since the last call.
    pub(super) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    pub(super) fn enqueue(&mut self, mut message: Message, now: OffsetDateTime) -> Enqueued {
        let id = message
            .properties
            .message_id
            .get_or_insert_with(|| Uuid::new_v4().simple().to_string());
        if !self.duplicates.admit(id, now) {
            let message_id = id.clone();
            self.transitions.push(Transition::Duplicate { message_id });
            return Enqueued::Duplicate;
        }
        let asked = message.properties.time_to_live.unwrap_or(f64::INFINITY);
        let time_to_live = asked.min(self.options.time_to_live.as_secs_f64()).max(0.0);
        self.last_sequence += 1;
        let accepted = Accepted {
            sequence: self.last_sequence,
            enqueued: now,
            expires: now + time::Duration::seconds_f64(time_to_live),
            message,
        };
        self.transitions
            .push(Transition::Accepted(Arc::new(accepted.clone())));
        self.active.insert(
            accepted.sequence,
            Waiting {
                accepted,
                deliveries: 0,
            },
        );
        Enqueued::Accepted {
            sequence: self.last_sequence,
        }
    }

    /// Hands out the oldest message that waits.
    pub(super) fn receive(&mut self, now: OffsetDateTime) -> Option<Delivery> {
        self.release_expired_locks(now);
        while let Some((_, waiting)) = self.active.pop_first() {
            if waiting.accepted.expires <= now {
                self.bury(waiting, DeadLetterReason::TtlExpired, now);
                continue;
            }
            let delivery = Delivery {
                accepted: waiting.accepted,
                delivery_count: waiting.deliveries + 1,
                lock_token: Uuid::new_v4(),
                locked_until: now + self.options.lock_duration,
            };
            self.transitions.push(Transition::Locked {
                sequence: delivery.accepted.sequence,
                delivery_count: delivery.delivery_count,
                lock_token: delivery.lock_token,
            });
            self.locked.insert(delivery.lock_token, delivery.clone());
            return Some(delivery);
        }
        None
    }

    pub(super) fn renew(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.get_mut(&token).ok_or(LockLost)?;
        delivery.locked_until = now + self.options.lock_duration;
        Ok(delivery.locked_until)
    }

    pub(super) fn complete(&mut self, token: Uuid, now: OffsetDateTime) -> Result<(), LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.remove(&token).ok_or(LockLost)?;
        let sequence = delivery.accepted.sequence;
        self.transitions.push(Transition::Completed { sequence });
        Ok(())
    }

    pub(super) fn abandon(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<Abandoned, LockLost> {
        self.release_expired_locks(now);
        let delivery = self.locked.remove(&token).ok_or(LockLost)?;
        Ok(self.release(delivery, now))
    }

    /// When the first lock ends: the time at which a receiver that found nothing should look again.
    pub(super) fn next_lock_expiry(&self) -> Option<OffsetDateTime> {
        self.locked
            .values()
            .map(|delivery| delivery.locked_until)
            .min()
    }

    pub(super) fn counts(&mut self, now: OffsetDateTime) -> Counts {
        self.release_expired_locks(now);
        Counts {
            active: self.active.len(),
            locked: self.locked.len(),
            dead_lettered: self.dead.len(),
        }
    }

    /// Every message that waits or is locked, oldest first.
    pub(super) fn peek(&self) -> Vec<Peeked> {
        let waiting = self.active.values().map(|waiting| Peeked {
            accepted: waiting.accepted.clone(),
            delivery_count: waiting.deliveries,
            locked_until: None,
        });
        let locked = self.locked.values().map(|delivery| Peeked {
            accepted: delivery.accepted.clone(),
            delivery_count: delivery.delivery_count,
            locked_until: Some(delivery.locked_until),
        });
        let mut all: Vec<_> = waiting.chain(locked).collect();
        all.sort_by_key(|peeked| peeked.accepted.sequence);
        all
    }

    /// Puts a letter among the dead as it is; numbers given later are higher than its own.
    pub(super) fn bury_letter(&mut self, letter: DeadLetter) {
        self.last_sequence = self.last_sequence.max(letter.accepted.sequence);
        self.transitions.extend([
            Transition::Accepted(Arc::new(letter.accepted.clone())),
            Transition::dead_lettered(&letter),
        ]);
        self.dead.bury(letter);
    }

    pub(super) fn complete_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let sequence = self.dead.complete(token, now)?.accepted.sequence;
        self.transitions
            .push(Transition::LetterCompleted { sequence });
        Ok(())
    }

    fn release_expired_locks(&mut self, now: OffsetDateTime) {
        let expired: Vec<Delivery> = self
            .locked
            .extract_if(|_, delivery| delivery.locked_until <= now)
            .map(|(_, delivery)| delivery)
            .collect();
        for delivery in expired {
            self.release(delivery, now);
        }
    }

    fn release(&mut self, delivery: Delivery, now: OffsetDateTime) -> Abandoned {
        let waiting = Waiting {
            accepted: delivery.accepted,
            deliveries: delivery.delivery_count,
        };
        if waiting.deliveries >= self.options.max_delivery_count {
            self.bury(waiting, DeadLetterReason::MaxDeliveryCountExceeded, now);
            return Abandoned::DeadLettered(DeadLetterReason::MaxDeliveryCountExceeded);
        }
        let sequence = waiting.accepted.sequence;
        self.transitions.push(Transition::Released {
            sequence,
            delivery_count: waiting.deliveries,
        });
        self.active.insert(sequence, waiting);
        Abandoned::Available
    }

    fn bury(&mut self, waiting: Waiting, reason: DeadLetterReason, at: OffsetDateTime) {
        let letter = DeadLetter {
            accepted: waiting.accepted,
            delivery_count: waiting.deliveries,
            at,
            reason,
        };
        self.transitions.push(Transition::dead_lettered(&letter));
        self.dead.bury(letter);
    }
}
