//! The outbox: which records this instance has to send for, and when. What is sent is in the
//! records; what is here is lost with the process, and found again by the marks.
//!
//! A click hands its record over when the write is done, and a look at the marks brings the others.
//! While the bus does not take anything, one message at a time is tried: each once when it is new,
//! and again after longer and longer waits, so that thousands who wait do not storm it. Its first
//! yes ends all waits.

mod delivery;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::bus::Publisher;
use crate::carts::{Carts, Clock, Handover};
use crate::store::{CartStore, RecordName};
pub use delivery::Delivery;
use waiting::Waiting;

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Shoppers with an order that the bus does not have yet, as far as this instance knows.
    pub pending: usize,
    /// Age of the oldest of these that this instance is to send.
    pub oldest: Duration,
    /// What the bus refuses until a person changes something, as it said.
    pub refused: Option<String>,
    /// Records that cannot be read; each is left as it is.
    pub unreadable: usize,
    /// Why the marks could not be listed last time, or that they were not yet: more may wait.
    pub store_problem: Option<String>,
}

/// How often to look at the marks.
const SWEEP: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Shared<S, C, B> {
    carts: Arc<Carts<S, C>>,
    bus: B,
    limit: usize,
    waiting: Mutex<Waiting>,
    /// Something is to be done.
    wake: Notify,
    /// A turn is over.
    turn_over: Notify,
}

/// The outbox of this instance. When it is dropped it ends at once, wherever it is.
#[derive(Debug)]
pub struct Outbox<S, C, B> {
    shared: Arc<Shared<S, C, B>>,
    _tasks: JoinSet<()>,
}

impl<S: CartStore, C: Clock, B: Publisher> Outbox<S, C, B> {
    /// Begins to send, and to look for what nobody sends for. `limit` is how many shoppers' orders
    /// may wait.
    pub fn start(carts: Arc<Carts<S, C>>, bus: B, limit: usize) -> Self {
        let shared = Arc::new(Shared {
            carts,
            bus,
            limit,
            waiting: Mutex::default(),
            wake: Notify::new(),
            turn_over: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(deliver(Arc::clone(&shared)));
        tasks.spawn(sweep(Arc::clone(&shared)));
        Self {
            shared,
            _tasks: tasks,
        }
    }

    /// Sends for a record, now and until it is clean.
    pub fn hand_over(&self, handover: Handover) {
        self.shared.waiting().hand_over(handover, Instant::now());
        self.shared.wake.notify_one();
    }

    /// Whether one more shopper's order may begin to wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.status().pending < self.shared.limit
    }

    /// Waits until this instance has nothing to send for the record, for so long at most: mostly
    /// the bus has an order before the shopper's browser asks again.
    pub async fn settled(&self, name: &RecordName, limit: Duration) {
        let settled = async {
            loop {
                let turn_over = self.shared.turn_over.notified();
                if !self.shared.waiting().holds(name) {
                    break;
                }
                turn_over.await;
            }
        };
        timeout(limit, settled).await.ok();
    }

    /// How much waits.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.waiting().status(self.shared.carts.now())
    }
}

impl<S, C, B> Shared<S, C, B> {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No change to it panics half-way, so what a poisoned lock holds is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts one delivery after another, as many at a time as may be.
async fn deliver<S: CartStore, C: Clock, B: Publisher>(shared: Arc<Shared<S, C, B>>) {
    let mut deliveries = JoinSet::new();
    loop {
        let next = shared.waiting().next(Instant::now());
        match next {
            Ok(mut delivery) => {
                let shared = Arc::clone(&shared);
                deliveries.spawn(async move {
                    let outcome = delivery.run(&shared.carts, &shared.bus).await;
                    let now = Instant::now();
                    shared.waiting().done(delivery, outcome, now);
                    shared.turn_over.notify_waiters();
                });
            }
            Err(until) => tokio::select! {
                () = shared.wake.notified() => {}
                () = sleep_until(until) => {}
                Some(_) = deliveries.join_next() => {}
            },
        }
    }
}

/// Looks at the marks, at once and then every few seconds.
async fn sweep<S: CartStore, C: Clock, B: Publisher>(shared: Arc<Shared<S, C, B>>) {
    loop {
        let marks = shared.carts.marks().await;
        shared.waiting().take(marks, Instant::now());
        shared.wake.notify_one();
        sleep(SWEEP).await;
    }
}
