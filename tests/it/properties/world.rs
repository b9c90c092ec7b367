//! A queue, handlers that crash, and a schedule that decides everything.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use order_items_reserver::fallback::Reason;
use order_items_reserver::order::{Position, SessionId};
use order_items_reserver::reserve::{GivenBack, Outcome, Reservation, Reserver, Settlement};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::{Doubt, Origin, StoreError};
use tokio::time::advance;

use super::network::{Fate, Network, Protocol, Watched};
use super::taking::{Process, Taken, Taking};
use super::{Op, Place, Schedule};
use crate::invocation::doubles::LIMITS;
use crate::model::messages::{Message, Violation, at, check_history, in_partition};
use crate::model::storage::{Content, Event, Storage};

/// One attempt and three retries.
const ATTEMPTS_MAX: usize = 4;

/// Those of a queue, and of storage.
const PARTITIONS: usize = 3;
const SESSIONS: usize = 3;

const RETRY: Retry = Retry {
    attempt_timeout: Duration::from_secs(10),
    backoff_base: Duration::from_secs(1),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Waiting,
    /// By this delivery.
    Locked(usize),
    Done(Outcome),
    /// Deleted together with its queue.
    Gone,
}

struct Queued {
    message: Message,
    status: Status,
    deliveries: u32,
}

/// Messages that are handed out together.
struct Invocation {
    /// The first of its deliveries, which follow each other as its messages do.
    id: usize,
    messages: Vec<usize>,
    process: usize,
    future: Taken,
}

impl Invocation {
    /// Its deliveries, and their messages.
    fn deliveries(&self) -> impl Iterator<Item = (usize, usize)> {
        (self.id..).zip(self.messages.iter().copied())
    }
}

/// What happened, so that a test can tell whether enough did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) stored: usize,
    pub(super) superseded: usize,
    /// By a newer one of their batch, without a request of their own.
    pub(super) left_to_newer: usize,
    pub(super) handed_over: usize,
    pub(super) abandoned: usize,
    pub(super) killed: usize,
    pub(super) landed_late: usize,
    /// Handed over, or given back, because nobody can tell which is newer: two places, one place
    /// of two messages, no place, a file that names none.
    pub(super) positions: usize,
    pub(super) same_place: usize,
    pub(super) no_place: usize,
    pub(super) not_older: usize,
    /// Files saved and deleted by hand.
    pub(super) saved: usize,
    pub(super) deleted: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.superseded += other.superseded;
        self.left_to_newer += other.left_to_newer;
        self.handed_over += other.handed_over;
        self.abandoned += other.abandoned;
        self.killed += other.killed;
        self.landed_late += other.landed_late;
        self.positions += other.positions;
        self.same_place += other.same_place;
        self.no_place += other.no_place;
        self.not_older += other.not_older;
        self.saved += other.saved;
        self.deleted += other.deleted;
    }
}

pub(super) struct World<P, T> {
    network: Network,
    processes: Vec<Process<P>>,
    queue: Vec<Queued>,
    running: Vec<Invocation>,
    files: Vec<Message>,
    /// Messages and files so far.
    ranks: u32,
    /// The last number of each partition.
    sequences: [u64; PARTITIONS],
    /// The true time in seconds, and the storage's. The broker's clocks are a second off at most.
    now: i64,
    /// When this life of the queue began.
    enqueued_min: i64,
    /// The latest time that the broker ever wrote.
    enqueued_max: i64,
    recreation_gap: i64,
    violations: Vec<Violation>,
    tally: Tally,
    taking: PhantomData<T>,
}

impl<P: Protocol, T: Taking> World<P, T> {
    pub(super) fn new(schedule: &Schedule, mut storage: Storage, recreation_gap: i64) -> Self {
        storage.has_container = schedule.has_container;
        let network = Network::new(storage);
        let processes = if schedule.shared_memory { 1 } else { 2 };
        Self {
            processes: (0..processes).map(|_| process(&network)).collect(),
            network,
            queue: Vec::new(),
            running: Vec::new(),
            files: Vec::new(),
            ranks: 0,
            sequences: [100; PARTITIONS],
            now: 0,
            enqueued_min: 0,
            enqueued_max: 0,
            recreation_gap,
            violations: Vec::new(),
            tally: Tally::default(),
            taking: PhantomData,
        }
    }

    /// Runs the whole schedule; then faults stop.
    pub(super) async fn run(mut self, schedule: &Schedule) -> (Vec<Violation>, Tally) {
        for op in &schedule.ops {
            self.step(*op).await;
        }
        self.settle().await;
        self.judge();
        self.tally.landed_late = self.network.state().landed;
        (self.violations, self.tally)
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Publish {
                session,
                seconds,
                skew,
                place,
            } => self.publish(session, seconds, skew, place),
            Op::Save { session } => self.save(session),
            Op::Delete { session } => self.delete(session),
            Op::Deliver { pick } => self.deliver(pick),
            Op::Decide { pick, fate } => self.network.state().decide(pick, fate),
            Op::Land { pick } => self.network.state().land(pick),
            Op::Wait { millis } => advance(Duration::from_millis(millis)).await,
            Op::LoseLock { pick } => self.lose_lock(pick),
            Op::Kill { process } => self.kill(process),
            Op::Recreate => self.recreate(),
        }
        // Also gives back what the runtime lets a task do at a stretch.
        tokio::task::yield_now().await;
        self.poll();
    }

    fn publish(&mut self, session: usize, seconds: i64, skew: i64, place: Place) {
        self.pass(seconds);
        let enqueued = (self.now + skew).max(self.enqueued_min);
        self.enqueued_max = self.enqueued_max.max(enqueued);
        let session = name(session);
        let position = match place {
            Place::None => None,
            Place::In(partition) => Some(self.number(partition, enqueued)),
            Place::Twin => {
                let earlier = self.queue.iter().rev().map(|queued| &queued.message);
                let mut of_session = earlier.filter(|one| one.session.as_str() == session);
                let twin = of_session.next().and_then(|one| one.position);
                Some(twin.unwrap_or_else(|| self.number(0, enqueued)))
            }
        };
        self.ranks += 1;
        self.queue.push(Queued {
            message: Message::new(&session, self.ranks, position),
            status: Status::Waiting,
            deliveries: 0,
        });
    }

    fn number(&mut self, partition: u16, enqueued: i64) -> Position {
        let sequence = &mut self.sequences[usize::from(partition)];
        *sequence += 1;
        at(in_partition(partition, *sequence), enqueued)
    }

    fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.network.state().storage.clock = self.now;
    }

    /// Somebody saves the newest cart of the session as its file, by hand.
    fn save(&mut self, session: usize) {
        self.ranks += 1;
        let file = Message::by_hand(&name(session), self.ranks);
        let mut state = self.network.state();
        if state.storage.has_container {
            state.storage.overwrite(&file.session, file.content());
            self.tally.saved += 1;
            self.files.push(file.clone());
        }
    }

    /// Somebody deletes the session's file.
    fn delete(&mut self, session: usize) {
        let session = SessionId::new(name(session)).unwrap();
        let mut state = self.network.state();
        if state.storage.content(&session).is_some() {
            state.storage.delete(&session);
            self.tally.deleted += 1;
        }
    }

    /// Hands messages out to the process with the fewest: the picked one that waits, and as many
    /// after it as an invocation may have, or fewer.
    fn deliver(&mut self, pick: usize) {
        let busy = |process| {
            self.running
                .iter()
                .filter(|one| one.process == process)
                .count()
        };
        let process = (0..self.processes.len())
            .min_by_key(|&process| busy(process))
            .unwrap();
        let waiting = self.queue.iter().enumerate();
        let waiting: Vec<usize> = waiting
            .filter(|(_, one)| one.status == Status::Waiting)
            .map(|(message, _)| message)
            .collect();
        let Some(nth) = pick
            .checked_rem(waiting.len())
            .filter(|_| busy(process) < T::SLOTS)
        else {
            return;
        };
        let most = T::MESSAGES_MAX - pick % T::MESSAGES_MAX;
        let messages: Vec<usize> = waiting.into_iter().skip(nth).take(most).collect();
        let ids = messages.iter().map(|one| self.queue[*one].message.id());
        let id = self.network.state().hand_out(ids);
        let mut deliveries = Vec::new();
        for (delivery, message) in (id..).zip(&messages) {
            let queued = &mut self.queue[*message];
            queued.status = Status::Locked(delivery);
            queued.deliveries += 1;
            deliveries.push(queued.message.delivery(queued.deliveries));
        }
        self.running.push(Invocation {
            id,
            messages,
            process,
            future: T::take(self.processes[process].clone(), deliveries),
        });
    }

    fn lose_lock(&mut self, pick: usize) {
        if let Some(at) = pick.checked_rem(self.running.len()) {
            let locked: Vec<_> = self.running[at].deliveries().collect();
            // Each message of a batch has a lock of its own.
            let (delivery, message) = locked[pick % locked.len()];
            self.give_back(delivery, message);
        }
    }

    /// The message of this delivery waits again, if the delivery still has its lock.
    fn give_back(&mut self, delivery: usize, message: usize) {
        let status = &mut self.queue[message].status;
        if *status == Status::Locked(delivery) {
            *status = Status::Waiting;
        }
    }

    fn kill(&mut self, pick: usize) {
        let process = pick % self.processes.len();
        let (killed, running): (Vec<_>, _) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|invocation| invocation.process == process);
        self.running = running;
        for (delivery, message) in killed.iter().flat_map(Invocation::deliveries) {
            self.tally.killed += 1;
            self.give_back(delivery, message);
        }
        self.processes[process] = self::process(&self.network);
    }

    /// The queue is deleted, with all that waits in it, and created anew.
    fn recreate(&mut self) {
        for queued in &mut self.queue {
            if !matches!(queued.status, Status::Done(_)) {
                queued.status = Status::Gone;
            }
        }
        self.sequences = [0; PARTITIONS];
        self.enqueued_min = self.enqueued_max + self.recreation_gap;
        self.enqueued_max = self.enqueued_min;
        self.pass((self.enqueued_min - self.now).max(0));
    }

    /// Lets every invocation go on as far as it can.
    fn poll(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut index = 0;
        while index < self.running.len() {
            let invocation = &mut self.running[index];
            self.network.state().delivery = invocation.id;
            match invocation.future.as_mut().poll(&mut context) {
                Poll::Pending => index += 1,
                Poll::Ready(reservations) => {
                    let invocation = self.running.remove(index);
                    assert_eq!(reservations.len(), invocation.messages.len());
                    for (at, (delivery, message)) in invocation.deliveries().enumerate() {
                        self.check(delivery, message, &reservations[at]);
                    }
                    self.settle_all(&invocation, &reservations);
                }
            }
        }
    }

    /// The host completes all messages of an invocation, or gives back all.
    fn settle_all(&mut self, invocation: &Invocation, reservations: &[Reservation]) {
        let all_done = !reservations.iter().any(Reservation::is_given_back);
        let ends: Vec<_> = invocation.deliveries().zip(reservations).collect();
        for ((delivery, message), reservation) in &ends {
            let Some(end) = outcome(reservation).filter(|_| all_done) else {
                self.give_back(*delivery, *message);
                continue;
            };
            let end = match is_left_to_newer(reservation) {
                true => self.kept_by_newer(*message, &ends),
                false => Some(end),
            };
            let rank = self.queue[*message].message.rank;
            self.must(
                "S1",
                end.is_some(),
                &format!("message {rank} is left to nobody"),
            );
            let status = &mut self.queue[*message].status;
            if *status == Status::Locked(*delivery) {
                *status = Status::Done(end.unwrap_or(Outcome::Superseded));
            }
        }
    }

    /// How a newer order of the session ended that its own batch saw through: superseded, or handed
    /// over with it. `None` when there is no such one.
    fn kept_by_newer(
        &self,
        message: usize,
        ends: &[((usize, usize), &Reservation)],
    ) -> Option<Outcome> {
        let ours = &self.queue[message].message;
        let newer = ends.iter().filter(|((_, other), reservation)| {
            let other = &self.queue[*other].message;
            let is_newer = other.session == ours.session && other.rank > ours.rank;
            is_newer && !is_left_to_newer(reservation)
        });
        let ends = newer.filter_map(|(_, reservation)| outcome(reservation));
        ends.map(|end| match end {
            Outcome::HandedOver => Outcome::HandedOver,
            Outcome::Stored | Outcome::Superseded => Outcome::Superseded,
        })
        .min_by_key(|end| *end == Outcome::HandedOver)
    }

    fn must(&mut self, invariant: &'static str, holds: bool, what: &str) {
        if !holds {
            self.violations.push(Violation(invariant, what.to_owned()));
        }
    }

    fn tally_doubt(&mut self, reservation: &Reservation) {
        if let Some(Reason::NotConfirmed(exhausted)) = &reservation.reason
            && let StoreError::Contradictory(doubt) = &exhausted.last
        {
            *match doubt {
                Doubt::Positions { .. } | Doubt::TimeAlone { .. } => &mut self.tally.positions,
                Doubt::SamePlace { .. } => &mut self.tally.same_place,
                Doubt::NoPlace { .. } => &mut self.tally.no_place,
                Doubt::NotOlder { .. } => &mut self.tally.not_older,
            } += 1;
        }
    }

    /// S1, S4, S5, S6 and S7 of a delivery that just ended.
    fn check(&mut self, delivery: usize, message: usize, reservation: &Reservation) {
        let message = self.queue[message].message.clone();
        let seen = self.network.state().seen[delivery].clone();
        if is_left_to_newer(reservation) {
            let untouched = seen.attempts == 0 && seen.notices == 0;
            self.must("S4", untouched, "a request for what is left to a newer one");
            self.tally.left_to_newer += usize::from(!reservation.is_given_back());
            return;
        }
        let published = || self.queue.iter().map(|queued| &queued.message);
        let is_newer = |origin: &Origin| {
            let found = published().find(|one| one.content().origin == *origin);
            found.is_some_and(|one| one.rank > message.rank)
        };
        let newer_read = seen.read.iter().any(is_newer);
        let (was_stored, newer_was_stored) = {
            let state = self.network.state();
            let written = || state.storage.written(&message.session);
            (
                written().any(|content| *content == message.content()),
                written().any(|content| is_newer(&content.origin)),
            )
        };
        let end = outcome(reservation);
        *match end {
            Some(Outcome::Stored) => &mut self.tally.stored,
            Some(Outcome::Superseded) => &mut self.tally.superseded,
            Some(Outcome::HandedOver) => &mut self.tally.handed_over,
            None => &mut self.tally.abandoned,
        } += 1;
        self.tally_doubt(reservation);
        let name = format!("message {}, {end:?}", message.rank);
        let durable = match end {
            Some(Outcome::Stored) => was_stored,
            Some(Outcome::Superseded) => newer_was_stored,
            Some(Outcome::HandedOver) => seen.accepted,
            None => !seen.accepted,
        };
        self.must("S1", durable, &name);
        let proven = end != Some(Outcome::Superseded) || newer_read;
        self.must("S6", proven, &name);
        let exhausted = seen.failed == ATTEMPTS_MAX;
        let bounded = (1..=ATTEMPTS_MAX).contains(&seen.attempts) && !seen.overlapped;
        self.must(
            "S4",
            bounded && seen.attempts == reservation.attempts as usize,
            &name,
        );
        let in_time = !matches!(
            reservation.settlement,
            Settlement::Abandon(GivenBack::OutOfTime)
        );
        self.must(
            "S4",
            seen.notices == usize::from(exhausted && in_time),
            &name,
        );
        self.must("S7", seen.wrong_notices == 0, &name);
        let handed = !matches!(end, Some(Outcome::Stored | Outcome::Superseded));
        self.must(
            "S5",
            handed == exhausted && handed == reservation.reason.is_some(),
            &name,
        );
    }

    /// Faults stop: every request is served, every message delivered until it is settled, and at
    /// last everything late lands.
    async fn settle(&mut self) {
        for _ in 0..10_000 {
            let undecided = self.network.state().undecided();
            let waiting = self.queue.iter().any(|one| one.status == Status::Waiting);
            let free = self.running.len() < T::SLOTS * self.processes.len();
            let op = match undecided {
                1.. => Op::Decide {
                    pick: 0,
                    fate: Fate::Served,
                },
                _ if waiting && free => Op::Deliver { pick: 0 },
                _ if self.running.is_empty() => break,
                _ => Op::Wait { millis: T::WAIT_MS },
            };
            self.step(op).await;
        }
        let mut state = self.network.state();
        while !state.late.is_empty() {
            state.land(0);
        }
    }

    /// L1, L2, and S2 and S3 of all that was ever written.
    fn judge(&mut self) {
        let settled = |status| matches!(status, Status::Done(_) | Status::Gone);
        let all = self.queue.iter().all(|queued| settled(queued.status));
        self.must("L1", all, "a message is left");
        let messages = self.queue.iter().map(|one| &one.message);
        let published: Vec<_> = messages.chain(&self.files).cloned().collect();
        for session in (0..SESSIONS).map(|session| SessionId::new(name(session)).unwrap()) {
            let state = self.network.state();
            let found = check_history(&state.storage, &session, &published);
            let rank = |content: &Content| {
                let found = published.iter().find(|one| one.content() == *content);
                found.map(|one| one.rank)
            };
            let stored = state.storage.content(&session).and_then(rank);
            // What was in a file that somebody deleted since is nobody's loss any more.
            let mut gone = None;
            let mut newest = None;
            for event in state.storage.history(&session) {
                match event {
                    Event::Written(content) => newest = newest.max(rank(content)),
                    Event::Deleted => gone = newest,
                }
            }
            drop(state);
            self.violations.extend(found);
            // Among those without a place there is no newest one.
            let kept = |one: &&Queued| {
                one.message.session == session
                    && one.message.position.is_some()
                    && matches!(one.status, Status::Done(end) if end != Outcome::HandedOver)
            };
            let kept = self.queue.iter().filter(kept);
            let newest = kept.map(|one| one.message.rank).max();
            let what = format!("{session}: {stored:?} is stored, {newest:?} is the newest");
            self.must("L2", stored.max(gone) >= newest, &what);
        }
    }
}

/// How it was acknowledged, if it was.
fn outcome(reservation: &Reservation) -> Option<Outcome> {
    match &reservation.settlement {
        Settlement::Complete(outcome) => Some(*outcome),
        Settlement::Abandon(_) => None,
    }
}

/// Whether it was not tried, because a newer one of its batch was, or its time was over.
fn is_left_to_newer(reservation: &Reservation) -> bool {
    reservation.attempts == 0
}

/// Of the session's number.
fn name(session: usize) -> String {
    format!("session {session}")
}

fn process<P: Protocol>(network: &Network) -> Process<P> {
    Arc::new(Reserver {
        store: Watched {
            store: P::over(network.clone()),
            network: network.clone(),
        },
        fallback: network.clone(),
        retry: RETRY,
        fallback_timeout: Duration::from_secs(100),
        batch: LIMITS,
    })
}
