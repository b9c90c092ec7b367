//! Dead letters: how a message becomes one, and the peek-lock under which they are handed out. A
//! letter that is given back counts for nothing: nothing is given up on here.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::Waiting;
use crate::queue::message::{DeadDelivery, DeadLetter, DeadLetterReason};
use crate::queue::outcome::LockLost;
use crate::queue::transition::Transition;

/// In the order of their arrival, which a letter that is given back keeps.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    by_arrival: BTreeMap<u64, StoredLetter>,
    arrivals: u64,
}

#[derive(Debug)]
struct StoredLetter {
    letter: DeadLetter,
    lock: Option<LetterLock>,
}

#[derive(Debug, Clone, Copy)]
struct LetterLock {
    token: Uuid,
    until: OffsetDateTime,
}

impl StoredLetter {
    fn is_free(&self, now: OffsetDateTime) -> bool {
        self.lock.is_none_or(|lock| lock.until <= now)
    }

    fn is_held_by(&self, token: Uuid, now: OffsetDateTime) -> bool {
        self.lock.is_some_and(|lock| lock.token == token) && !self.is_free(now)
    }
}

impl DeadLetters {
    pub(super) fn push(&mut self, letter: DeadLetter) {
        let stored = StoredLetter { letter, lock: None };
        self.by_arrival.insert(self.arrivals, stored);
        self.arrivals += 1;
    }

    /// In the order they came, whether locked or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.by_arrival.values().map(|stored| &stored.letter)
    }

    pub(super) fn letter_mut(&mut self, sequence: u64) -> Option<&mut DeadLetter> {
        let mut letters = self
            .by_arrival
            .values_mut()
            .map(|stored| &mut stored.letter);
        letters.find(|letter| letter.accepted.sequence == sequence)
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<DeadLetter> {
        let mut letters = self.by_arrival.iter();
        let is_meant = |stored: &StoredLetter| stored.letter.accepted.sequence == sequence;
        let (arrival, _) = letters.find(|(_, stored)| is_meant(stored))?;
        let arrival = *arrival;
        self.by_arrival.remove(&arrival).map(|stored| stored.letter)
    }

    pub(super) fn len(&self) -> usize {
        self.by_arrival.len()
    }

    fn held(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(u64, &mut StoredLetter), LockLost> {
        let mut letters = self.by_arrival.iter_mut();
        letters
            .find(|(_, stored)| stored.is_held_by(token, now))
            .map(|(arrival, stored)| (*arrival, stored))
            .ok_or(LockLost)
    }
}

impl State {
    /// Gives up on a message.
    pub(super) fn dead_letter(
        &mut self,
        message: Waiting,
        reason: DeadLetterReason,
        at: OffsetDateTime,
    ) {
        self.latest = self.latest.max(Some(at));
        let letter = DeadLetter {
            accepted: Arc::unwrap_or_clone(message.accepted),
            delivery_count: message.delivery_count,
            at,
            reason,
        };
        self.transitions.push(Transition::dead_lettered(&letter));
        self.dead.push(letter);
    }

    /// Puts a letter among the dead as it is; numbers given later are higher than its own.
    pub(in crate::queue) fn add_dead_letter(&mut self, letter: DeadLetter) {
        self.number(&letter.accepted);
        self.transitions.extend([
            Transition::Accepted(Arc::new(letter.accepted.clone())),
            Transition::dead_lettered(&letter),
        ]);
        self.dead.push(letter);
    }

    /// Hands out the oldest letter that is free, and counts it.
    pub(in crate::queue) fn receive_dead_letter(
        &mut self,
        now: OffsetDateTime,
    ) -> Option<DeadDelivery> {
        let mut letters = self.dead.by_arrival.values_mut();
        let stored = letters.find(|stored| stored.is_free(now))?;
        let lock = LetterLock {
            token: Uuid::new_v4(),
            until: now + self.options.lock_duration,
        };
        stored.lock = Some(lock);
        stored.letter.delivery_count += 1;
        self.transitions.push(Transition::LetterHandedOut {
            sequence: stored.letter.accepted.sequence,
            delivery_count: stored.letter.delivery_count,
        });
        Some(DeadDelivery {
            letter: stored.letter.clone(),
            lock_token: lock.token,
            locked_until: lock.until,
        })
    }

    pub(in crate::queue) fn renew_dead_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        let until = now + self.options.lock_duration;
        let (_, stored) = self.dead.held(token, now)?;
        stored.lock = Some(LetterLock { token, until });
        Ok(until)
    }

    pub(in crate::queue) fn complete_dead_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let (arrival, stored) = self.dead.held(token, now)?;
        let sequence = stored.letter.accepted.sequence;
        self.dead.by_arrival.remove(&arrival);
        let completed = Transition::LetterCompleted { sequence };
        self.transitions.push(completed);
        Ok(())
    }

    /// No transition: the letter was never away, and its count stays.
    pub(in crate::queue) fn unlock_dead_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let (_, stored) = self.dead.held(token, now)?;
        stored.lock = None;
        Ok(())
    }

    /// In the order they came, whether locked or not.
    pub(in crate::queue) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.iter().cloned().collect()
    }

    /// When the first lock of a dead letter ends. A lock that has ended stays where it is until its
    /// letter is taken.
    pub(in crate::queue) fn next_letter_expiry(
        &self,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let letters = self.dead.by_arrival.values();
        let locks = letters.filter_map(|stored| Some(stored.lock?.until));
        locks.filter(|until| *until > now).min()
    }
}
