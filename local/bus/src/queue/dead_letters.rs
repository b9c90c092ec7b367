//! The dead-letter queue: letters in the order they came, each free or locked. Nothing is given up on here.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::LockLost;
use super::message::{DeadDelivery, DeadLetter};

/// All dead letters of a queue.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    // By order of arrival, which an unlocked letter keeps.
    letters: BTreeMap<u64, Kept>,
    arrivals: u64,
}

#[derive(Debug)]
struct Kept {
    letter: DeadLetter,
    lock: Option<Lock>,
}

#[derive(Debug, Clone, Copy)]
struct Lock {
    token: Uuid,
    until: OffsetDateTime,
}

impl Kept {
    fn is_free(&self, now: OffsetDateTime) -> bool {
        self.lock.is_none_or(|lock| lock.until <= now)
    }

    fn is_held_by(&self, token: Uuid, now: OffsetDateTime) -> bool {
        self.lock.is_some_and(|lock| lock.token == token) && !self.is_free(now)
    }
}

impl DeadLetters {
    pub(super) fn bury(&mut self, letter: DeadLetter) {
        self.letters
            .insert(self.arrivals, Kept { letter, lock: None });
        self.arrivals += 1;
    }

    /// Hands out the oldest letter that is free, and counts it.
    pub(super) fn receive(
        &mut self,
        lock_duration: Duration,
        now: OffsetDateTime,
    ) -> Option<DeadDelivery> {
        let kept = self.letters.values_mut().find(|kept| kept.is_free(now))?;
        let lock = Lock {
            token: Uuid::new_v4(),
            until: now + lock_duration,
        };
        kept.lock = Some(lock);
        kept.letter.delivery_count += 1;
        Some(DeadDelivery {
            letter: kept.letter.clone(),
            lock_token: lock.token,
            locked_until: lock.until,
        })
    }

    pub(super) fn renew(
        &mut self,
        token: Uuid,
        lock_duration: Duration,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        let until = now + lock_duration;
        self.held(token, now)?.1.lock = Some(Lock { token, until });
        Ok(until)
    }

    pub(super) fn complete(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<DeadLetter, LockLost> {
        let arrival = self.held(token, now)?.0;
        let kept = self.letters.remove(&arrival).ok_or(LockLost)?;
        Ok(kept.letter)
    }

    pub(super) fn unlock(&mut self, token: Uuid, now: OffsetDateTime) -> Result<(), LockLost> {
        self.held(token, now)?.1.lock = None;
        Ok(())
    }

    /// When the first lock ends.
    pub(super) fn next_lock_expiry(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let locks = self.letters.values().filter_map(|kept| kept.lock);
        locks
            .map(|lock| lock.until)
            .filter(|until| *until > now)
            .min()
    }

    /// In the order they came, whether locked or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.values().map(|kept| &kept.letter)
    }

    pub(super) fn letter_mut(&mut self, sequence: u64) -> Option<&mut DeadLetter> {
        let mut letters = self.letters.values_mut().map(|kept| &mut kept.letter);
        letters.find(|letter| letter.accepted.sequence == sequence)
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<DeadLetter> {
        let mut letters = self.letters.iter();
        let (arrival, _) = letters.find(|(_, kept)| kept.letter.accepted.sequence == sequence)?;
        let arrival = *arrival;
        self.letters.remove(&arrival).map(|kept| kept.letter)
    }

    /// Free and locked ones.
    pub(super) fn all(&self) -> Vec<DeadLetter> {
        self.iter().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    fn held(&mut self, token: Uuid, now: OffsetDateTime) -> Result<(u64, &mut Kept), LockLost> {
        let mut letters = self.letters.iter_mut();
        letters
            .find(|(_, kept)| kept.is_held_by(token, now))
            .map(|(arrival, kept)| (*arrival, kept))
            .ok_or(LockLost)
    }
}
