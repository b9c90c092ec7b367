//! The queue as a pure state machine: every transition takes the time and waits for nothing.
//!
//! A message is numbered here and waits in the [`backlog`], is among the [`locks`] while it is
//! handed out ([`delivery`], and [`sessions`] on a queue that has them), and then is gone, or waits
//! again, or is set [`aside`], or is among the [`dead_letters`]. [`look`] shows all of it, and
//! [`record`] makes it again from the journal.

mod aside;
mod backlog;
mod dead_letters;
mod delivery;
mod duplicates;
mod locks;
mod look;
mod record;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::amqp_form::AmqpBytes;
use super::message::{Accepted, Message};
use super::outcome::{Enqueued, SendRefused};
use super::transition::Transition;
use aside::Schedule;
use backlog::{Backlog, Waiting};
use dead_letters::DeadLetters;
pub(crate) use delivery::Taker;
use duplicates::{Duplicates, First};
use locks::Locks;
use sessions::Hold;

/// How the queue is set up; the defaults are those of the queue in Azure.
#[derive(Debug, Clone, Copy)]
pub struct QueueOptions {
    /// How long one hand-out is locked, and by how much a renewal extends it.
    pub lock_duration: Duration,
    /// Hand-outs before a message is dead-lettered.
    pub max_delivery_count: u32,
    /// How long a message id is remembered.
    pub duplicate_window: Duration,
    /// How long a message may wait at most.
    pub time_to_live: Duration,
    /// A message that waited too long is a dead letter; else it is dropped.
    pub dead_letter_expired: bool,
    /// Every message belongs to a session, and a session has one receiver at a time.
    pub sessions: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(5 * 60),
            max_delivery_count: 10,
            duplicate_window: Duration::from_secs(10 * 60),
            time_to_live: Duration::from_secs(14 * 24 * 60 * 60),
            dead_letter_expired: true,
            sessions: false,
        }
    }
}

/// All that the queue knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: QueueOptions,
    /// Nothing is handed out.
    pub(super) paused: bool,
    last_sequence: u64,
    /// Of enqueue times and of times of death.
    latest: Option<OffsetDateTime>,
    duplicates: Duplicates,
    backlog: Backlog,
    locked: Locks,
    /// Set aside by their receivers, by their numbers.
    deferred: BTreeMap<u64, Waiting>,
    schedule: Schedule,
    /// Those that are held, by session id.
    sessions: HashMap<String, Hold>,
    session_states: BTreeMap<String, AmqpBytes>,
    /// Those that nobody gets: somebody breaks the queue on purpose.
    refused_sessions: BTreeSet<String>,
    dead: DeadLetters,
    transitions: Vec<Transition>,
}

impl State {
    pub(super) fn new(options: QueueOptions) -> Self {
        Self {
            options,
            paused: false,
            last_sequence: 0,
            latest: None,
            duplicates: Duplicates::new(options.duplicate_window),
            backlog: Backlog::new(options.sessions),
            locked: Locks::default(),
            deferred: BTreeMap::new(),
            schedule: Schedule::default(),
            sessions: HashMap::new(),
            session_states: BTreeMap::new(),
            refused_sessions: BTreeSet::new(),
            dead: DeadLetters::default(),
            transitions: Vec::new(),
        }
    }

    /// What has come to its end or to its beginning by now: locks, and scheduled messages.
    pub(super) fn pass_time(&mut self, now: OffsetDateTime) {
        self.release_ended_locks(now);
        self.enqueue_due(now);
    }

    /// Judges the messages of one send: says what would happen. Nothing changes before
    /// [`State::accept`]: a journal is written in between.
    pub(super) fn admit(
        &self,
        messages: Vec<Message>,
        now: OffsetDateTime,
    ) -> Result<Vec<Transition>, SendRefused> {
        let mut admitted = Vec::with_capacity(messages.len());
        let mut ids: HashMap<String, First> = HashMap::new();
        let mut sequence = self.last_sequence;
        for mut message in messages {
            if self.options.sessions && message.properties.session_id.is_none() {
                return Err(SendRefused::NoSession);
            }
            let new_id = || Uuid::new_v4().simple().to_string();
            let id = message.properties.message_id.get_or_insert_with(new_id);
            let message_id = id.clone();
            let known = self.duplicates.find(id, now);
            if let Some(first) = known.or_else(|| ids.get(id).copied().map(Some)) {
                admitted.push(Transition::Duplicate {
                    message_id,
                    session_id: message.properties.session_id,
                    of: first.map(|first| first.sequence),
                    same_body: first.map(|first| first.had(&message.body)),
                });
                continue;
            }
            sequence += 1;
            ids.insert(message_id, First::new(sequence, &message.body));
            let later = message.properties.scheduled_enqueue;
            let accepted = Arc::new(self.stamped(message, sequence, now));
            admitted.push(if later.is_some_and(|later| later > now) {
                Transition::Scheduled(accepted)
            } else {
                Transition::Accepted(accepted)
            });
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

    /// Takes what [`State::admit`] let in.
    pub(super) fn accept(&mut self, admitted: Vec<Transition>) -> Vec<Enqueued> {
        let each = admitted.iter().map(|transition| match transition {
            Transition::Accepted(accepted) => {
                self.take(Arc::clone(accepted));
                let sequence = accepted.sequence;
                Enqueued::Accepted { sequence }
            }
            Transition::Scheduled(accepted) => {
                self.plan(Arc::clone(accepted));
                let sequence = accepted.sequence;
                Enqueued::Accepted { sequence }
            }
            _ => Enqueued::Duplicate,
        });
        let enqueued = each.collect();
        self.transitions.extend(admitted);
        enqueued
    }

    fn take(&mut self, accepted: Arc<Accepted>) {
        self.remember(&accepted);
        self.number(&accepted);
        self.backlog.insert(Waiting::new(accepted));
    }

    /// Its id counts from now on, and not only from the time at which it is due.
    fn plan(&mut self, accepted: Arc<Accepted>) {
        self.remember(&accepted);
        self.number(&accepted);
        self.schedule.insert(accepted);
    }

    fn remember(&mut self, accepted: &Accepted) {
        if let Some(id) = &accepted.message.properties.message_id {
            let first = First::new(accepted.sequence, &accepted.message.body);
            self.duplicates.remember(id, accepted.enqueued, Some(first));
        }
    }

    /// Numbers and times given later are not before those of this message.
    fn number(&mut self, accepted: &Accepted) {
        self.last_sequence = self.last_sequence.max(accepted.sequence);
        self.latest = self.latest.max(Some(accepted.enqueued));
    }

    /// What changed since [`State::take_transitions`].
    pub(super) fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    pub(super) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// How many messages the queue has, dead letters included.
    pub(super) fn len(&self) -> usize {
        let aside = self.deferred.len() + self.schedule.len();
        self.backlog.len() + self.locked.len() + aside + self.dead.len()
    }

    /// When the first lock ends, or the first scheduled message is due: the time at which a
    /// receiver that found nothing should look again.
    pub(super) fn next_event(&self) -> Option<OffsetDateTime> {
        let sessions = self.sessions.values().map(|hold| hold.lock.locked_until);
        let ends = self.locked.first_end().into_iter().chain(sessions);
        ends.chain(self.schedule.first_due()).min()
    }
}
