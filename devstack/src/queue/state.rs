//! The queue as a pure state machine: every transition takes the time and waits for nothing.

mod record;
mod sessions;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::backlog::{Backlog, Waiting};
use super::dead_letters::DeadLetters;
use super::duplicates::Duplicates;
use super::journal::Entry;
use super::message::{Accepted, DeadLetter, DeadLetterReason, Delivery, Message};
use super::transition::Transition;
use super::{Abandoned, Counts, Enqueued, LockLost, Peeked, QueueOptions, Refused, SessionLock};

/// All that the queue knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: QueueOptions,
    last_sequence: u64,
    // Of enqueue times and of times of death.
    latest: Option<OffsetDateTime>,
    duplicates: Duplicates,
    active: Backlog,
    locked: HashMap<Uuid, Delivery>,
    // Those that are held, by session id.
    sessions: HashMap<String, SessionLock>,
    pub(super) dead: DeadLetters,
    transitions: Vec<Transition>,
}

/// What becomes of a message once it is accepted.
#[derive(Debug)]
pub(super) enum Admitted {
    New(Arc<Accepted>),
    Duplicate { message_id: String },
}

impl Admitted {
    /// What the journal says of it.
    pub(super) fn entry(&self) -> Option<Entry<'_>> {
        match self {
            Self::New(accepted) => Some(Entry::Accepted(Cow::Borrowed(accepted))),
            Self::Duplicate { .. } => None,
        }
    }
}

impl State {
    pub(super) fn new(options: QueueOptions) -> Self {
        Self {
            options,
            last_sequence: 0,
            latest: None,
            duplicates: Duplicates::new(options.duplicate_window),
            active: Backlog::new(options.sessions),
            locked: HashMap::new(),
            sessions: HashMap::new(),
            dead: DeadLetters::default(),
            transitions: Vec::new(),
        }
    }

    /// What changed since [`State::take_transitions`].
    pub(super) fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    /// What changed since the last call.
    pub(super) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// Judges the messages of one send. Nothing changes before [`State::accept`]: a journal is written in between.
    pub(super) fn admit(
        &self,
        messages: Vec<Message>,
        now: OffsetDateTime,
    ) -> Result<Vec<Admitted>, Refused> {
        let mut admitted = Vec::with_capacity(messages.len());
        let mut ids = HashSet::new();
        let mut sequence = self.last_sequence;
        for mut message in messages {
            if self.options.sessions && message.properties.session_id.is_none() {
                return Err(Refused::NoSession);
            }
            let new_id = || Uuid::new_v4().simple().to_string();
            let id = message.properties.message_id.get_or_insert_with(new_id);
            let message_id = id.clone();
            if self.duplicates.knows(id, now) || !ids.insert(message_id.clone()) {
                admitted.push(Admitted::Duplicate { message_id });
                continue;
            }
            sequence += 1;
            admitted.push(Admitted::New(Arc::new(
                self.stamped(message, sequence, now),
            )));
        }
        Ok(admitted)
    }

    fn stamped(&self, message: Message, sequence: u64, now: OffsetDateTime) -> Accepted {
        let asked = message.properties.time_to_live.unwrap_or(f64::INFINITY);
        let time_to_live = asked.min(self.options.time_to_live.as_secs_f64()).max(0.0);
        Accepted {
            sequence,
            enqueued: now,
            expires: now + time::Duration::seconds_f64(time_to_live),
            message,
        }
    }

    /// Takes the messages of one send.
    pub(super) fn accept(&mut self, admitted: Vec<Admitted>) -> Vec<Enqueued> {
        let each = admitted.into_iter().map(|admitted| match admitted {
            Admitted::New(accepted) => {
                self.take(Accepted::clone(&accepted));
                let sequence = accepted.sequence;
                self.transitions.push(Transition::Accepted(accepted));
                Enqueued::Accepted { sequence }
            }
            Admitted::Duplicate { message_id } => {
                self.transitions.push(Transition::Duplicate { message_id });
                Enqueued::Duplicate
            }
        });
        each.collect()
    }

    fn take(&mut self, accepted: Accepted) {
        self.number(&accepted);
        if let Some(id) = &accepted.message.properties.message_id {
            self.duplicates.remember(id, accepted.enqueued);
        }
        self.active.insert(Waiting {
            accepted,
            deliveries: 0,
        });
    }

    /// Numbers and times given later are not before those of this message.
    fn number(&mut self, accepted: &Accepted) {
        self.last_sequence = self.last_sequence.max(accepted.sequence);
        self.latest = self.latest.max(Some(accepted.enqueued));
    }

    /// Hands out the oldest message that waits; on a queue with sessions nothing, see [`State::receive_in`].
    pub(super) fn receive(&mut self, now: OffsetDateTime) -> Option<Delivery> {
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
    fn hand_out(
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
    pub(super) fn renew(
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
        let deliveries = delivery.delivery_count;
        Ok(self.release(delivery.accepted, deliveries, now))
    }

    /// When the first lock ends: the time at which a receiver that found nothing should look again.
    pub(super) fn next_lock_expiry(&self) -> Option<OffsetDateTime> {
        let messages = self.locked.values().map(|delivery| delivery.locked_until);
        let sessions = self.sessions.values().map(|lock| lock.locked_until);
        messages.chain(sessions).min()
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
        let waiting = self.active.iter().map(|waiting| Peeked {
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
        self.number(&letter.accepted);
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

    /// Ends the locks of messages with such numbers; returns of how many.
    pub(super) fn lose_locks(
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

    fn release_expired_locks(&mut self, now: OffsetDateTime) {
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

    fn release(&mut self, accepted: Accepted, deliveries: u32, now: OffsetDateTime) -> Abandoned {
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

    fn bury(&mut self, waiting: Waiting, reason: DeadLetterReason, at: OffsetDateTime) {
        self.latest = self.latest.max(Some(at));
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
