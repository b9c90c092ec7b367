//! Which records wait, and whose turn it is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Status;
use super::delivery::{Delivery, NotDelivered};
use super::pace::Pace;
use super::sweep::Found;
use crate::bus::SendError;
use crate::carts::{CartsError, Handover};
use crate::store::RecordName;

/// Sends at the same time, over all records.
const SENDERS: usize = 16;

/// One record that this instance has to send for.
#[derive(Debug)]
enum Entry {
    /// Until its turn.
    Waits {
        delivery: Box<Delivery>,
        due: Instant,
    },
    /// It is being sent for, since then. A click that claimed the record meanwhile is its next turn,
    /// which begins with a look at the record: what the click saw in flight may have been sent and
    /// settled since, and must not follow what came after it.
    Sends { since: i64, then: Option<i64> },
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Next {
    Deliver(Box<Delivery>),
    /// Nothing before.
    At(Instant),
    Nothing,
}

/// What waits in this instance.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    entries: HashMap<RecordName, Entry>,
    /// Those that wait for their first try: nobody's trouble holds them up for longer than a try.
    fresh: VecDeque<RecordName>,
    /// The others that wait, by their turn.
    queue: BTreeSet<(Instant, RecordName)>,
    sending: usize,
    /// How often the bus, or the store, failed in a row, whatever was sent.
    failures: u32,
    /// Nobody sends again before.
    hold: Option<Instant>,
    /// Nobody sends before, because the bus asked for it.
    asked: Option<Instant>,
    refused: Option<String>,
    /// What the last sweep saw of others.
    seen: Found,
}

impl Waiting {
    /// Whether this instance has something to send for the record.
    pub(super) fn holds(&self, name: &RecordName) -> bool {
        self.entries.contains_key(name)
    }

    /// Records that owe something, as far as this instance knows.
    pub(super) fn pending(&self) -> usize {
        let others = self.seen.others.iter();
        self.entries.len() + others.filter(|name| !self.holds(name)).count()
    }

    pub(super) fn hand_over(&mut self, handover: Handover, since: i64, now: Instant) {
        match self.entries.get_mut(&handover.name) {
            None => self.wait(Delivery::of_click(handover, since), now),
            Some(Entry::Waits { delivery, .. }) => delivery.renew(handover),
            Some(Entry::Sends { then, .. }) => {
                *then = Some(since);
            }
        }
    }

    /// Takes what a sweep found; whether there is something new to send.
    pub(super) fn take(&mut self, mut found: Found, now: Instant) -> bool {
        let mut new = false;
        for delivery in found.free.drain(..) {
            if !self.holds(&delivery.name) {
                new = true;
                self.wait(delivery, now);
            }
        }
        self.seen = found;
        new
    }

    fn wait(&mut self, delivery: Delivery, due: Instant) {
        match delivery.failures {
            0 => self.fresh.push_back(delivery.name),
            _ => drop(self.queue.insert((due, delivery.name))),
        }
        let delivery = Box::new(delivery);
        self.entries
            .insert(delivery.name, Entry::Waits { delivery, due });
    }

    /// Whose turn it is. While nothing is taken, one is tried at a time.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let senders = if self.failures == 0 { SENDERS } else { 1 };
        if self.sending >= senders {
            return Next::Nothing;
        }
        if let Some(asked) = self.asked.filter(|asked| *asked > now) {
            return Next::At(asked);
        }
        let name = match (self.fresh.pop_front(), self.queue.first().copied()) {
            (Some(name), _) => name,
            (None, None) => return Next::Nothing,
            (None, Some((due, name))) => {
                let due = self.hold.map_or(due, |hold| hold.max(due));
                if due > now {
                    return Next::At(due);
                }
                self.queue.pop_first();
                name
            }
        };
        match self.entries.remove(&name) {
            Some(Entry::Waits { delivery, .. }) => {
                let since = delivery.since;
                self.entries
                    .insert(name, Entry::Sends { since, then: None });
                self.sending += 1;
                Next::Deliver(delivery)
            }
            // It waits no more.
            other => {
                self.entries.extend(other.map(|entry| (name, entry)));
                Next::At(now)
            }
        }
    }

    /// A turn is over.
    pub(super) fn done(
        &mut self,
        mut delivery: Delivery,
        outcome: Result<(), NotDelivered>,
        pace: &Pace,
        now: Instant,
    ) {
        self.sending = self.sending.saturating_sub(1);
        let then = match self.entries.remove(&delivery.name) {
            Some(Entry::Sends { then, .. }) => then,
            _ => None,
        };
        if std::mem::take(&mut delivery.progress) {
            self.all_is_well(now);
        }
        match (outcome, then) {
            (Ok(()), None) => {}
            (Ok(()), Some(since)) => self.wait(Delivery::anew(delivery.name, since), now),
            (Err(problem), _) => {
                let wait = self.failed(&delivery, &problem, pace, now);
                self.wait(delivery, now + wait);
            }
        }
    }

    /// How long this record waits; others are held up where it is not about it alone.
    fn failed(
        &mut self,
        delivery: &Delivery,
        problem: &NotDelivered,
        pace: &Pace,
        now: Instant,
    ) -> Duration {
        if let NotDelivered::Bus(SendError::Refused {
            problem,
            of_message,
        }) = problem
        {
            self.refused = Some(problem.clone());
            if *of_message {
                return pace.refused;
            }
        }
        if let NotDelivered::Store(CartsError::Unreadable(..) | CartsError::Contended) = problem {
            return pace.refused;
        }
        self.failures = self.failures.saturating_add(1);
        if let NotDelivered::Bus(SendError::Later { retry_after, .. }) = problem
            && let Some(wait) = retry_after
        {
            self.asked = self.asked.max(Some(now + *wait));
            return *wait;
        }
        self.hold = self.hold.max(Some(now + pace.wait(self.failures)));
        pace.wait(delivery.failures)
    }

    /// The bus took something: those who wait may try at once, but for what it refused itself.
    fn all_is_well(&mut self, now: Instant) {
        if self.failures == 0 {
            return;
        }
        (self.failures, self.hold, self.refused) = (0, None, None);
        self.fresh.clear();
        self.queue.clear();
        for (name, entry) in &mut self.entries {
            if let Entry::Waits { delivery, due } = entry {
                if !delivery.refused {
                    *due = now;
                }
                self.queue.insert((*due, *name));
            }
        }
    }

    pub(super) fn status(&self, now: i64) -> Status {
        let since = self.entries.values().map(|entry| match entry {
            Entry::Waits { delivery, .. } => delivery.since,
            Entry::Sends { since, .. } => *since,
        });
        let age = since.min().map_or(0, |since| (now - since).max(0));
        let refused = self.entries.values().any(|entry| match entry {
            Entry::Waits { delivery, .. } => delivery.refused,
            Entry::Sends { .. } => false,
        });
        Status {
            pending: self.pending(),
            oldest: Duration::from_millis(age.unsigned_abs()),
            refused: self
                .refused
                .clone()
                .filter(|_| refused || self.failures > 0),
            unreadable: self.seen.unreadable,
            store_problem: self.seen.store_problem.clone(),
        }
    }
}
