//! Dead letters: how a message becomes one, and the peek-lock under which they are handed out. A
//! letter that is given back counts for nothing: nothing is given up on here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::Waiting;
use super::delivery::Taker;
use crate::queue::amqp_form::PropertyChanges;
use crate::queue::message::{DeadDelivery, DeadLetter, DeadLetterReason};
use crate::queue::outcome::{HeldLock, Holder, LockLost};
use crate::queue::transition::Transition;

/// In the order of their arrival, which a letter that is given back keeps.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    by_arrival: BTreeMap<u64, StoredLetter>,
    arrivals: u64,
    /// The arrivals of those that are handed out, and of some whose lock has ended.
    by_token: HashMap<Uuid, u64>,
}

#[derive(Debug)]
struct StoredLetter {
    letter: DeadLetter,
    lock: Option<LetterLock>,
    /// It is handed out only to who asks for it by its number.
    deferred: bool,
}

#[derive(Debug, Clone, Copy)]
struct LetterLock {
    token: Uuid,
    until: OffsetDateTime,
    since: OffsetDateTime,
    by: Holder,
}

impl StoredLetter {
    fn is_free(&self, now: OffsetDateTime) -> bool {
        self.lock.is_none_or(|lock| lock.until <= now)
    }
}

impl DeadLetters {
    pub(super) fn push(&mut self, letter: DeadLetter) {
        let stored = StoredLetter {
            letter,
            lock: None,
            deferred: false,
        };
        self.by_arrival.insert(self.arrivals, stored);
        self.arrivals += 1;
    }

    /// In the order they came, whether locked or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.by_arrival.values().map(|stored| &stored.letter)
    }

    /// The numbers of those that were set aside.
    pub(super) fn deferred(&self) -> impl Iterator<Item = u64> {
        let deferred = self.by_arrival.values().filter(|stored| stored.deferred);
        deferred.map(|stored| stored.letter.accepted.sequence)
    }

    pub(super) fn letter_mut(&mut self, sequence: u64) -> Option<&mut DeadLetter> {
        self.stored_mut(sequence).map(|stored| &mut stored.letter)
    }

    pub(super) fn set_aside(&mut self, sequence: u64) -> Option<()> {
        self.stored_mut(sequence)?.deferred = true;
        Some(())
    }

    fn stored_mut(&mut self, sequence: u64) -> Option<&mut StoredLetter> {
        let mut letters = self.by_arrival.values_mut();
        letters.find(|stored| stored.letter.accepted.sequence == sequence)
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

    pub(super) fn held_locks(&self, now: OffsetDateTime) -> impl Iterator<Item = HeldLock> {
        let held = self.by_arrival.values().filter(move |it| !it.is_free(now));
        held.filter_map(|stored| {
            let lock = stored.lock?;
            Some(HeldLock {
                sequence: stored.letter.accepted.sequence,
                session_id: stored.letter.accepted.message.properties.session_id.clone(),
                dead_letter: true,
                by: lock.by,
                since: lock.since,
                until: lock.until,
            })
        })
    }

    fn held(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(u64, &mut StoredLetter), LockLost> {
        let arrival = *self.by_token.get(&token).ok_or(LockLost)?;
        let stored = self.by_arrival.get_mut(&arrival).ok_or(LockLost)?;
        let is_held = stored
            .lock
            .is_some_and(|lock| lock.token == token && lock.until > now);
        is_held.then_some((arrival, stored)).ok_or(LockLost)
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

    /// Hands out the oldest letter that is free and was not set aside, and counts it if that is
    /// wished.
    pub(in crate::queue) fn receive_dead_letter(
        &mut self,
        taker: Taker,
        counted: bool,
        now: OffsetDateTime,
    ) -> Option<DeadDelivery> {
        let mut letters = self.dead.by_arrival.iter();
        let is_meant = |stored: &StoredLetter| !stored.deferred && stored.is_free(now);
        let (arrival, _) = letters.find(|(_, stored)| is_meant(stored))?;
        self.hand_out_letter(*arrival, taker, counted, now)
    }

    fn hand_out_letter(
        &mut self,
        arrival: u64,
        taker: Taker,
        counted: bool,
        now: OffsetDateTime,
    ) -> Option<DeadDelivery> {
        let stored = self.dead.by_arrival.get_mut(&arrival)?;
        stored.letter.delivery_count += u32::from(counted);
        let sequence = stored.letter.accepted.sequence;
        let lock = LetterLock {
            token: Uuid::new_v4(),
            until: now + self.options.lock_duration,
            since: now,
            by: taker.by,
        };
        let delivery = DeadDelivery {
            letter: stored.letter.clone(),
            lock_token: lock.token,
            locked_until: lock.until,
        };
        let ended = stored.lock.replace(lock);
        if let Some(ended) = ended {
            self.dead.by_token.remove(&ended.token);
        }
        if taker.deletes {
            self.dead.by_arrival.remove(&arrival);
            self.transitions
                .push(Transition::LetterCompleted { sequence });
            return Some(delivery);
        }
        self.dead.by_token.insert(lock.token, arrival);
        // The journal needs to know of a count alone: the lock does not outlive the process.
        if counted {
            self.transitions.push(Transition::LetterHandedOut {
                sequence,
                delivery_count: delivery.letter.delivery_count,
            });
        }
        Some(delivery)
    }

    /// Hands out letters that were set aside, by their numbers: all of these, or none.
    #[cfg(feature = "amqp")]
    pub(in crate::queue) fn receive_deferred_letters(
        &mut self,
        numbers: &[u64],
        taker: Taker,
        now: OffsetDateTime,
    ) -> Result<Vec<DeadDelivery>, crate::queue::outcome::NoSuchNumber> {
        let is_there = |number: u64, stored: &StoredLetter| {
            stored.deferred && stored.is_free(now) && stored.letter.accepted.sequence == number
        };
        let mut arrivals = Vec::with_capacity(numbers.len());
        for number in numbers {
            let mut letters = self.dead.by_arrival.iter();
            let found = letters.find(|(_, stored)| is_there(*number, stored));
            arrivals.push(
                *found
                    .ok_or(crate::queue::outcome::NoSuchNumber::Deferred(*number))?
                    .0,
            );
        }
        arrivals.dedup();
        let handed_out = arrivals.into_iter();
        let handed_out = handed_out.filter_map(|it| self.hand_out_letter(it, taker, false, now));
        Ok(handed_out.collect())
    }

    pub(in crate::queue) fn renew_dead_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, LockLost> {
        let until = now + self.options.lock_duration;
        let (_, stored) = self.dead.held(token, now)?;
        if let Some(lock) = &mut stored.lock {
            lock.until = until;
        }
        Ok(until)
    }

    pub(in crate::queue) fn complete_dead_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let (arrival, stored) = self.dead.held(token, now)?;
        let sequence = stored.letter.accepted.sequence;
        self.dead.by_token.remove(&token);
        self.dead.by_arrival.remove(&arrival);
        let completed = Transition::LetterCompleted { sequence };
        self.transitions.push(completed);
        Ok(())
    }

    /// The letter was never away, and its count stays: only its changed properties are a
    /// transition.
    pub(in crate::queue) fn unlock_dead_letter(
        &mut self,
        token: Uuid,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let (_, stored) = self.dead.held(token, now)?;
        stored.lock = None;
        if !changes.is_empty() {
            let sequence = stored.letter.accepted.sequence;
            self.transitions.push(Transition::Changed {
                sequence,
                changes: changes.clone(),
            });
            stored.letter.accepted.message.change(changes);
        }
        self.dead.by_token.remove(&token);
        Ok(())
    }

    /// Sets a letter aside, until a receiver asks for it by its number.
    pub(in crate::queue) fn defer_dead_letter(
        &mut self,
        token: Uuid,
        changes: PropertyChanges,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let (_, stored) = self.dead.held(token, now)?;
        stored.deferred = true;
        let sequence = stored.letter.accepted.sequence;
        self.unlock_dead_letter(token, changes, now)?;
        self.transitions
            .push(Transition::LetterDeferred { sequence });
        Ok(())
    }

    /// Ends the locks of letters with such numbers; returns of how many.
    pub(in crate::queue) fn lose_letter_locks(
        &mut self,
        is_lost: impl Fn(u64) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        let mut lost = 0;
        for stored in self.dead.by_arrival.values_mut() {
            if !stored.is_free(now) && is_lost(stored.letter.accepted.sequence) {
                stored.lock = None;
                lost += 1;
            }
        }
        lost
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
        let letters = self.dead.by_token.values();
        let letters = letters.filter_map(|arrival| self.dead.by_arrival.get(arrival));
        let locks = letters.filter_map(|stored| Some(stored.lock?.until));
        locks.filter(|until| *until > now).min()
    }
}
