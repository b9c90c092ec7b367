//! An outage so long that messages use up their deliveries: hours in Azure, a moment here.
//!
//! It begins shortly before a wave of sessions has sent its last carts. When they are in the queue,
//! the newest message of some sessions becomes a dead letter; no later cart makes up for it. The
//! outage goes on until no handler works on one of them any more: they end as dead letters and
//! nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use bus::{Abandoned, Queue};
use tokio::time::Instant;
use uuid::Uuid;

use super::schedule::OUTAGE;

/// Messages that one outage makes dead letters, at the most.
const CHOSEN_MAX: usize = 50;

/// What an outage asks of those who send.
#[derive(Debug, Default)]
pub(super) struct SenderHolds {
    /// To end their wave, whatever waits in the queue: in an outage nothing leaves it.
    pub(super) hurry: AtomicBool,
    /// To begin no new message.
    pub(super) wait: AtomicBool,
}

/// While it goes on, whoever switched it on keeps storage and Logic App from taking anything.
#[derive(Debug)]
pub(super) struct Outage {
    /// The last message of the wave: when it was sent, the messages are chosen.
    last: usize,
    chosen: Option<Chosen>,
    /// Locks of those that stood in front of the chosen ones.
    held: Vec<Uuid>,
    /// Messages that became dead letters in it.
    pub(super) dead: usize,
    /// Locks that it ended.
    pub(super) locks_lost: usize,
}

#[derive(Debug)]
struct Chosen {
    numbers: BTreeSet<u64>,
    until: Instant,
}

impl Outage {
    pub(super) fn begin(last: usize) -> Self {
        Self {
            last,
            chosen: None,
            held: Vec::new(),
            dead: 0,
            locks_lost: 0,
        }
    }

    /// Whether the wave has sent its last carts: the next one waits for the end.
    pub(super) fn holds_back(&self) -> bool {
        self.chosen.is_some()
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        let chosen = self.chosen.as_ref();
        chosen.is_some_and(|chosen| now >= chosen.until)
    }

    /// Uses up the deliveries of the chosen messages.
    pub(super) fn go_on(&mut self, queue: &Queue, sent: usize, now: Instant) {
        if self.chosen.is_none() && sent >= self.last {
            self.chosen = Some(Chosen {
                numbers: newest(queue, self.last),
                until: now + OUTAGE,
            });
        }
        let Some(Chosen { numbers, .. }) = &mut self.chosen else {
            return;
        };
        self.locks_lost += queue.lose_locks(|number| numbers.contains(&number));
        while !numbers.is_empty()
            && let Some(delivery) = queue.try_receive()
        {
            let number = delivery.accepted.sequence;
            if !numbers.contains(&number) {
                self.held.push(delivery.lock_token);
            } else if let Ok(Abandoned::DeadLettered(_)) = queue.abandon(delivery.lock_token) {
                numbers.remove(&number);
                self.dead += 1;
            }
        }
        let there: BTreeSet<u64> = numbers_of(queue).map(|(_, number)| number).collect();
        numbers.retain(|number| there.contains(number));
        if numbers.is_empty() {
            self.let_go(queue);
        }
    }

    /// Gives back what it held.
    pub(super) fn let_go(&mut self, queue: &Queue) {
        for token in self.held.drain(..) {
            // An error means that its lock has ended: it is back already.
            queue.abandon(token).ok();
        }
    }
}

/// Of the sessions that have something in the queue, the newest message each: of those that came
/// last.
fn newest(queue: &Queue, last: usize) -> BTreeSet<u64> {
    // A queue's first number is 1: what has a higher one is of the next wave already.
    let last = u64::try_from(last).unwrap_or(u64::MAX);
    let of_the_wave = numbers_of(queue).filter(|(_, number)| *number <= last);
    let by_session: BTreeMap<Option<String>, u64> = of_the_wave.collect();
    let newest: BTreeSet<u64> = by_session.into_values().collect();
    newest.into_iter().rev().take(CHOSEN_MAX).collect()
}

/// Oldest first.
fn numbers_of(queue: &Queue) -> impl Iterator<Item = (Option<String>, u64)> {
    let all = queue.peek().into_iter().map(|it| it.accepted);
    all.map(|it| (it.message.properties.session_id, it.sequence))
}
