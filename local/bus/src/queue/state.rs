//! The queue as a pure state machine: every transition takes the time and waits for nothing.
//!
//! A message waits in `active` ([`admission`]), is `locked` while it is handed out ([`delivery`], and [`sessions`] on a
//! queue that has them), and then is gone, or waits again, or is among the `dead` ([`letters`]). [`record`] makes all of
//! it again from the journal.

mod admission;
mod delivery;
mod letters;
mod record;
mod sessions;

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::backlog::Backlog;
use super::dead_letters::DeadLetters;
use super::duplicates::Duplicates;
use super::message::{Accepted, Delivery};
use super::transition::Transition;
use super::{Counts, Peeked, QueueOptions, SessionLock};
pub(super) use admission::Admitted;

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

    /// When the first lock ends: the time at which a receiver that found nothing should look again.
    pub(super) fn next_lock_expiry(&self) -> Option<OffsetDateTime> {
        let messages = self.locked.values().map(|delivery| delivery.locked_until);
        let sessions = self.sessions.values().map(|lock| lock.locked_until);
        messages.chain(sessions).min()
    }

    /// Numbers and times given later are not before those of this message.
    fn number(&mut self, accepted: &Accepted) {
        self.last_sequence = self.last_sequence.max(accepted.sequence);
        self.latest = self.latest.max(Some(accepted.enqueued));
    }
}
