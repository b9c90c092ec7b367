//! Which records wait, and whose turn it is.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::Status;
use super::delivery::{Delivery, NotDelivered};
use crate::bus::SendError;
use crate::carts::{CartsError, Handover};
use crate::store::{RecordName, StoreError, Version};

/// Sends at the same time, over all records.
const SENDERS: usize = 16;

/// The first wait after a failure, at most; the next is twice as long, and so on.
const WAIT: Duration = Duration::from_millis(200);

/// The longest of them. One answered message ends every wait early.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// The wait where a person has to act first: the bus refuses it, or it cannot be read.
const PERSON_WAIT: Duration = Duration::from_secs(60);

/// How long a mark on a record that owes nothing is let be: it may be a click's, whose write is on
/// its way.
const CLEAN_WAIT: Duration = Duration::from_secs(4);

/// Longer than clocks are apart.
const SKEW: Duration = Duration::from_secs(3);

/// What this instance knows of a record.
#[derive(Debug)]
enum Entry {
    Ours(Ours),
    Seen(Seen),
}

/// It has its turn, or waits for one.
#[derive(Debug)]
struct Ours {
    /// When its message in flight was accepted, in Unix milliseconds.
    since: Option<i64>,
    /// What the bus said when it refused that message.
    refused: Option<String>,
    /// A click claimed it meanwhile. What that click saw in flight may have been sent and settled
    /// since, and must not follow what came after it: so its next turn begins with a look at it.
    told: bool,
}

/// A turn ended so. While its mark stays the same there is nothing new to see for a time.
#[derive(Debug)]
struct Seen {
    state: State,
    mark: Option<Version>,
    until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Another instance sends for it.
    Others,
    /// Nothing is owed.
    Clean,
    Unreadable,
}

/// The order in which those who wait have their turns: clicks of now, what was found, and then what
/// failed before, as it is due. Nobody's trouble holds up who is new for longer than a try, nor
/// whoever else failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    failed: bool,
    found: bool,
    due: Instant,
    name: RecordName,
}

/// What waits in this instance.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    entries: HashMap<RecordName, Entry>,
    turns: BTreeMap<Turn, Delivery>,
    sending: usize,
    /// How often the bus, or the store, failed in a row, whatever was sent.
    failures: u32,
    /// Nobody sends again before.
    hold: Option<Instant>,
    /// Nobody sends before, because the bus asked for it.
    asked: Option<Instant>,
    /// Whether the marks were listed once: before that nobody knows what waits.
    listed: bool,
    /// Why the marks could not be listed last time.
    store_problem: Option<String>,
}

impl Waiting {
    /// Whether this instance has something to send for the record.
    pub(super) fn holds(&self, name: &RecordName) -> bool {
        matches!(self.entries.get(name), Some(Entry::Ours(_)))
    }

    pub(super) fn hand_over(&mut self, handover: Handover, now: Instant) {
        match self.entries.get_mut(&handover.name) {
            Some(Entry::Ours(ours)) => ours.told = true,
            _ => self.wait(Delivery::of_click(handover), now, None),
        }
    }

    /// Takes what a listing of the marks says.
    pub(super) fn take(
        &mut self,
        marks: Result<Vec<(RecordName, Version)>, StoreError>,
        now: Instant,
    ) {
        let marks: HashMap<_, _> = match marks {
            Ok(marks) => marks.into_iter().collect(),
            Err(problem) => {
                if self.store_problem.is_none() {
                    warn!(%problem, "the marks cannot be listed");
                }
                self.store_problem = Some(problem.to_string());
                return;
            }
        };
        (self.listed, self.store_problem) = (true, None);
        let is_ours = |entry: &Entry| matches!(entry, Entry::Ours(_));
        self.entries
            .retain(|name, entry| is_ours(entry) || marks.contains_key(name));
        for (name, mark) in marks {
            let seen = match self.entries.get(&name) {
                Some(Entry::Ours(_)) => continue,
                Some(Entry::Seen(seen)) => Some(seen).filter(|it| it.mark.as_ref() == Some(&mark)),
                None => None,
            };
            if seen.is_none_or(|seen| seen.until <= now) {
                let tidy = seen.is_some_and(|seen| seen.state == State::Clean);
                self.wait(Delivery::of_mark(name, mark, tidy), now, None);
            }
        }
    }

    fn wait(&mut self, delivery: Delivery, due: Instant, refused: Option<String>) {
        let in_flight = delivery.held.in_flight();
        let name = delivery.held.name;
        let entry = Entry::Ours(Ours {
            since: in_flight.map(|order| order.accepted),
            refused,
            told: false,
        });
        let failed = delivery.failures > 0;
        let turn = Turn {
            failed,
            found: !failed && in_flight.is_none(),
            due,
            name,
        };
        self.entries.insert(name, entry);
        self.turns.insert(turn, delivery);
    }

    /// Whose turn it is, or when to ask again. While nothing is taken, one is tried at a time.
    pub(super) fn next(&mut self, now: Instant) -> Result<Delivery, Instant> {
        let senders = if self.failures == 0 { SENDERS } else { 1 };
        let first = self.turns.first_entry();
        let Some(first) = first.filter(|_| self.sending < senders) else {
            return Err(now + WAIT_MAX);
        };
        let turn = first.key();
        let due = match turn.failed {
            true => Some(turn.due).max(self.hold),
            false => None,
        };
        match due.max(self.asked) {
            Some(due) if due > now => Err(due),
            _ => {
                self.sending += 1;
                Ok(first.remove())
            }
        }
    }

    /// A turn is over.
    pub(super) fn done(
        &mut self,
        mut delivery: Delivery,
        outcome: Result<Option<Duration>, NotDelivered>,
        now: Instant,
    ) {
        self.sending = self.sending.saturating_sub(1);
        if std::mem::take(&mut delivery.progress) {
            self.all_is_well(now);
        }
        let name = delivery.held.name;
        let entry = self.entries.get(&name);
        let told = matches!(entry, Some(Entry::Ours(Ours { told: true, .. })));
        let (state, wait) = match outcome {
            Ok(_) if told => return self.wait(Delivery::anew(name), now, None),
            Ok(None) => (State::Clean, CLEAN_WAIT),
            Ok(Some(left)) => (State::Others, left + SKEW),
            Err(NotDelivered::Store(problem @ CartsError::Unreadable(..))) => {
                error!(%problem, "its orders cannot be sent; it waits for a person");
                (State::Unreadable, PERSON_WAIT)
            }
            Err(problem) => {
                delivery.failures += 1;
                let (wait, refused) = self.failed(&delivery, &problem, now);
                return self.wait(delivery, now + wait, refused);
            }
        };
        let mark = delivery.held.mark().cloned();
        let until = now + wait;
        let seen = Seen { state, mark, until };
        self.entries.insert(name, Entry::Seen(seen));
    }

    /// How long this record waits, and what the bus says of it until a person acts; others are held
    /// up where it is not about it alone.
    fn failed(
        &mut self,
        delivery: &Delivery,
        problem: &NotDelivered,
        now: Instant,
    ) -> (Duration, Option<String>) {
        let order = delivery.held.in_flight();
        let session = order.map(|order| order.session.as_str());
        let message_id = order.map(|order| order.message.as_str());
        let failures = delivery.failures;
        let is_refused = matches!(problem, NotDelivered::Bus(SendError::Refused { .. }));
        let refused = is_refused.then(|| problem.to_string());
        if is_refused {
            error!(session, message_id, failures, %problem, "not published, waits for a person");
        } else if failures.is_power_of_two() {
            warn!(session, message_id, failures, %problem, "not published yet");
        } else {
            debug!(session, message_id, failures, %problem, "not published yet");
        }
        if problem.is_of_this_record() {
            return (PERSON_WAIT, refused);
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(wait) = problem.asks_for() {
            self.asked = self.asked.max(Some(now + wait));
            return (wait, refused);
        }
        self.hold = self.hold.max(Some(now + backoff(self.failures)));
        (backoff(failures), refused)
    }

    /// The bus took something: those who wait may try at once.
    fn all_is_well(&mut self, now: Instant) {
        if std::mem::take(&mut self.failures) > 0 {
            self.hold = None;
            let turns = std::mem::take(&mut self.turns).into_iter();
            self.turns = turns
                .map(|(turn, delivery)| (Turn { due: now, ..turn }, delivery))
                .collect();
        }
    }

    /// What waits, at this time in Unix milliseconds.
    pub(super) fn status(&self, now: i64) -> Status {
        let mut status = Status {
            store_problem: match &self.store_problem {
                None if !self.listed => Some("the marks were not listed yet".to_owned()),
                problem => problem.clone(),
            },
            ..Status::default()
        };
        let mut oldest = now;
        for entry in self.entries.values() {
            match entry {
                Entry::Ours(ours) => {
                    status.pending += 1;
                    oldest = oldest.min(ours.since.unwrap_or(now));
                    status.refused = status.refused.or_else(|| ours.refused.clone());
                }
                Entry::Seen(seen) => match seen.state {
                    State::Others => status.pending += 1,
                    State::Unreadable => status.unreadable += 1,
                    State::Clean => {}
                },
            }
        }
        status.oldest = Duration::from_millis((now - oldest).unsigned_abs());
        status
    }
}

/// Between half and all of the step, so that not everyone comes back at once.
fn backoff(failures: u32) -> Duration {
    let step = WAIT * 2_u32.saturating_pow(failures.min(16).saturating_sub(1));
    step.min(WAIT_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}
