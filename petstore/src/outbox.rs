//! The outbox: which records this instance has to send for, and when. What is sent is in the
//! records; what is here is lost with the process, and found again by the marks.
//!
//! A click hands its record over when the write is done, and a sweep brings what nobody sends for.
//! While the bus does not take anything, one message at a time is tried: each once when it is new,
//! and again after longer and longer waits, so that thousands who wait do not storm it. Its first
//! yes ends all waits.

mod delivery;
mod pace;
mod sweep;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::bus::Publisher;
use crate::carts::{Carts, Clock, Handover};
use crate::store::{CartStore, RecordName};
pub use delivery::Delivery;
pub use pace::Pace;
pub use sweep::Sweep;
use waiting::{Next, Waiting};

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Shoppers with an order that the bus does not have yet, as far as this instance knows.
    pub pending: usize,
    /// Age of the oldest of these that this instance is to send.
    pub oldest: Duration,
    /// What the bus refuses until a person changes something, as it said last.
    pub refused: Option<String>,
    /// Records that cannot be read; each is left as it is.
    pub unreadable: usize,
    /// Why the marks could not be listed last time.
    pub store_problem: Option<String>,
}

#[derive(Debug)]
struct Shared<S, C, B> {
    carts: Arc<Carts<S, C>>,
    bus: B,
    pace: Pace,
    limit: usize,
    waiting: Mutex<Waiting>,
    /// Something is to be done.
    wake: Notify,
}

/// The outbox of this instance. Without its last handle it ends at once, wherever it is.
#[derive(Debug)]
pub struct Outbox<S, C, B> {
    shared: Arc<Shared<S, C, B>>,
    _tasks: Arc<JoinSet<()>>,
}

impl<S, C, B> Clone for Outbox<S, C, B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            _tasks: Arc::clone(&self._tasks),
        }
    }
}

impl<S: CartStore, C: Clock, B: Publisher> Outbox<S, C, B> {
    /// Begins to send, and to look for what nobody sends for. `limit` is how many shoppers' orders
    /// may wait.
    pub fn start(carts: Arc<Carts<S, C>>, bus: B, pace: Pace, limit: usize) -> Self {
        let shared = Arc::new(Shared {
            carts,
            bus,
            pace,
            limit,
            waiting: Mutex::default(),
            wake: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(deliver(Arc::clone(&shared)));
        tasks.spawn(sweep(Arc::clone(&shared)));
        Self {
            shared,
            _tasks: Arc::new(tasks),
        }
    }

    /// Sends for a record, now and until it is clean.
    pub fn hand_over(&self, handover: Handover) {
        let now = Instant::now();
        let since = self.shared.carts.now();
        self.shared.waiting().hand_over(handover, since, now);
        self.shared.wake.notify_one();
    }

    /// Whether one more shopper's order may begin to wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.waiting().pending() < self.shared.limit
    }

    /// Waits until this instance has nothing to send for the record, for so long at most: mostly
    /// the bus has an order before the shopper's browser asks again.
    pub async fn settled(&self, name: &RecordName, limit: Duration) {
        let end = Instant::now() + limit;
        while self.shared.waiting().holds(name) && Instant::now() < end {
            sleep(Duration::from_millis(5)).await;
        }
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
        let until = match next {
            Next::Deliver(delivery) => {
                let shared = Arc::clone(&shared);
                deliveries.spawn(async move { shared.attempt(*delivery).await });
                None
            }
            Next::At(due) => Some(due),
            Next::Nothing => Some(Instant::now() + shared.pace.longest),
        };
        let Some(until) = until else {
            while deliveries.try_join_next().is_some() {}
            continue;
        };
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(until) => {}
            Some(_) = deliveries.join_next() => {}
        }
    }
}

/// Looks at the marks, at once and then every few seconds.
async fn sweep<S: CartStore, C: Clock, B: Publisher>(shared: Arc<Shared<S, C, B>>) {
    let mut sweep = Sweep::default();
    loop {
        let found = sweep.look(&shared.carts, |name| shared.waiting().holds(name));
        let found = found.await;
        if shared.waiting().take(found, Instant::now()) {
            shared.wake.notify_one();
        }
        sleep(shared.pace.sweep).await;
    }
}

impl<S: CartStore, C: Clock, B: Publisher> Shared<S, C, B> {
    async fn attempt(&self, mut delivery: Delivery) {
        let outcome = delivery.run(&self.carts, &self.bus).await;
        delivery.tell(&outcome);
        let now = Instant::now();
        self.waiting().done(delivery, outcome, &self.pace, now);
        self.wake.notify_one();
    }
}
