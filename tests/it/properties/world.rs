//! A queue, handlers that crash, and a schedule that decides everything.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use order_items_reserver::order::SessionId;
use order_items_reserver::reserve::{Outcome, Reservation, Reserver, Settlement};
use order_items_reserver::retry::Retry;
use tokio::time::advance;

use super::network::{Fate, Network, Protocol, Watched};
use super::{Op, Schedule};
use crate::model::messages::{Message, Violation, at, check_history};
use crate::model::storage::Storage;

/// One attempt and three retries.
const ATTEMPTS_MAX: usize = 4;

/// Messages at once in one process.
const SLOTS: usize = 3;

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

struct Delivery {
    id: usize,
    message: usize,
    process: usize,
    future: Pin<Box<dyn Future<Output = Reservation> + Send>>,
}

/// What happened, so that a test can tell whether enough did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) stored: usize,
    pub(super) superseded: usize,
    pub(super) handed_over: usize,
    pub(super) abandoned: usize,
    pub(super) killed: usize,
    pub(super) landed_late: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.superseded += other.superseded;
        self.handed_over += other.handed_over;
        self.abandoned += other.abandoned;
        self.killed += other.killed;
        self.landed_late += other.landed_late;
    }
}

pub(super) struct World<P> {
    network: Network,
    processes: Vec<Arc<Reserver<Watched<P>, Network>>>,
    queue: Vec<Queued>,
    running: Vec<Delivery>,
    sequence: u64,
    /// The broker's, in seconds.
    clock: i64,
    /// When this life of the queue began.
    clock_min: i64,
    /// The latest it ever was.
    clock_max: i64,
    recreation_gap: i64,
    violations: Vec<Violation>,
    tally: Tally,
}

impl<P: Protocol> World<P> {
    pub(super) fn new(schedule: &Schedule, mut storage: Storage, recreation_gap: i64) -> Self {
        storage.has_container = schedule.has_container;
        let network = Network::new(storage);
        let processes = if schedule.shared_memory { 1 } else { 2 };
        Self {
            processes: (0..processes).map(|_| process(&network)).collect(),
            network,
            queue: Vec::new(),
            running: Vec::new(),
            sequence: 100,
            clock: 0,
            clock_min: 0,
            clock_max: 0,
            recreation_gap,
            violations: Vec::new(),
            tally: Tally::default(),
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
                numbered,
            } => self.publish(session, seconds, numbered),
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

    fn publish(&mut self, session: usize, seconds: i64, numbered: bool) {
        self.sequence += 1;
        self.clock = (self.clock + seconds).max(self.clock_min);
        self.clock_max = self.clock_max.max(self.clock);
        let rank = u32::try_from(self.queue.len()).unwrap() + 1;
        let position = numbered.then(|| at(self.sequence, self.clock));
        self.queue.push(Queued {
            message: Message::new(&format!("session {session}"), rank, position),
            status: Status::Waiting,
            deliveries: 0,
        });
    }

    /// Hands a message out to the process with the fewest.
    fn deliver(&mut self, pick: usize) {
        let waiting = |one: &&mut Queued| one.status == Status::Waiting;
        let count = self.queue.iter_mut().filter(waiting).count();
        let busy = |process| {
            self.running
                .iter()
                .filter(|one| one.process == process)
                .count()
        };
        let process = (0..self.processes.len())
            .min_by_key(|&process| busy(process))
            .unwrap();
        let Some(nth) = pick.checked_rem(count).filter(|_| busy(process) < SLOTS) else {
            return;
        };
        let mut waiting = self.queue.iter_mut().enumerate();
        let waiting = waiting
            .by_ref()
            .filter(|(_, one)| one.status == Status::Waiting);
        let (message, queued) = { waiting }.nth(nth).unwrap();
        let id = {
            let mut state = self.network.state();
            state.seen.push(Default::default());
            state.seen.len() - 1
        };
        queued.status = Status::Locked(id);
        queued.deliveries += 1;
        let delivery = queued.message.delivery(queued.deliveries);
        let reserver = self.processes[process].clone();
        self.running.push(Delivery {
            id,
            message,
            process,
            future: Box::pin(async move { reserver.reserve(&delivery).await }),
        });
    }

    fn lose_lock(&mut self, pick: usize) {
        if let Some(at) = pick.checked_rem(self.running.len()) {
            let Delivery { id, message, .. } = self.running[at];
            self.give_back(id, message);
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
        let (killed, running) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|delivery| delivery.process == process);
        self.running = running;
        for Delivery { id, message, .. } in killed {
            self.tally.killed += 1;
            self.give_back(id, message);
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
        self.sequence = 0;
        self.clock = self.clock_max + self.recreation_gap;
        (self.clock_min, self.clock_max) = (self.clock, self.clock);
    }

    /// Lets every delivery go on as far as it can.
    fn poll(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut index = 0;
        while index < self.running.len() {
            let delivery = &mut self.running[index];
            self.network.state().delivery = delivery.id;
            match delivery.future.as_mut().poll(&mut context) {
                Poll::Pending => index += 1,
                Poll::Ready(reservation) => {
                    let delivery = self.running.remove(index);
                    self.check(&delivery, &reservation);
                    self.settle_one(&delivery, &reservation);
                }
            }
        }
    }

    fn settle_one(&mut self, delivery: &Delivery, reservation: &Reservation) {
        let status = &mut self.queue[delivery.message].status;
        if *status == Status::Locked(delivery.id) {
            *status = match reservation.settlement {
                Settlement::Complete(outcome) => Status::Done(outcome),
                Settlement::Abandon(_) => Status::Waiting,
            };
        }
    }

    fn must(&mut self, invariant: &'static str, holds: bool, what: &str) {
        if !holds {
            self.violations.push(Violation(invariant, what.to_owned()));
        }
    }

    /// S1, S4, S5, S6 and S7 of a delivery that just ended.
    fn check(&mut self, delivery: &Delivery, reservation: &Reservation) {
        let message = self.queue[delivery.message].message.clone();
        let seen = self.network.state().seen[delivery.id].clone();
        let rank = |position| {
            let mut all = self.queue.iter().map(|queued| &queued.message);
            all.find(|one| one.position == Some(position))
                .map(|one| one.rank)
        };
        let newer_read = seen
            .read
            .iter()
            .flatten()
            .any(|&read| rank(read) > Some(message.rank));
        let (was_stored, newer_was_stored) = {
            let state = self.network.state();
            let history = || state.storage.history(&message.session);
            let newer = |position| rank(position) > Some(message.rank);
            (
                history().any(|content| *content == message.content()),
                history().filter_map(|content| content.position).any(newer),
            )
        };
        let end = match &reservation.settlement {
            Settlement::Complete(outcome) => Some(*outcome),
            Settlement::Abandon(_) => None,
        };
        *match end {
            Some(Outcome::Stored) => &mut self.tally.stored,
            Some(Outcome::Superseded) => &mut self.tally.superseded,
            Some(Outcome::HandedOver) => &mut self.tally.handed_over,
            None => &mut self.tally.abandoned,
        } += 1;
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
        self.must("S4", seen.notices == usize::from(exhausted), &name);
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
            let free = self.running.len() < SLOTS * self.processes.len();
            let op = match undecided {
                1.. => Op::Decide {
                    pick: 0,
                    fate: Fate::Served,
                },
                _ if waiting && free => Op::Deliver { pick: 0 },
                _ if self.running.is_empty() => break,
                _ => Op::Wait { millis: 10_001 },
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
        let published: Vec<_> = self.queue.iter().map(|one| one.message.clone()).collect();
        let mut sessions: Vec<SessionId> = Vec::new();
        for message in &published {
            if !sessions.contains(&message.session) {
                sessions.push(message.session.clone());
            }
        }
        for session in sessions {
            let state = self.network.state();
            let found = check_history(&state.storage, &session, &published);
            let stored = state.storage.content(&session).cloned();
            drop(state);
            self.violations.extend(found);
            let stored = published.iter().find(|one| Some(one.content()) == stored);
            let stored = stored.map(|message| message.rank);
            let of_session = |one: &&Queued| one.message.session == session;
            let of_session: Vec<_> = self.queue.iter().filter(of_session).collect();
            let kept = |one: &&&Queued| matches!(one.status, Status::Done(end) if end != Outcome::HandedOver);
            let newest = of_session
                .iter()
                .filter(kept)
                .map(|one| one.message.rank)
                .max();
            let comparable = of_session.iter().all(|one| one.message.position.is_some());
            let what = format!("{session}: {stored:?} is stored, {newest:?} is the newest");
            self.must("L2", !comparable || stored >= newest, &what);
        }
    }
}

fn process<P: Protocol>(network: &Network) -> Arc<Reserver<Watched<P>, Network>> {
    Arc::new(Reserver {
        store: Watched {
            store: P::over(network.clone()),
            network: network.clone(),
        },
        fallback: network.clone(),
        retry: RETRY,
        fallback_timeout: Duration::from_secs(100),
    })
}
