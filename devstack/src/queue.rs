//! A Service Bus queue stand-in, in memory: peek-lock, duplicate detection, redelivery at once, dead letters.
//!
//! [`Queue`] is the handle that waits and wakes; what happens to a message is decided in `state.rs`, which is pure.

mod dead_letters;
mod duplicates;
mod locks;
mod message;
mod outcome;
mod state;
mod transition;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
pub use message::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, Message, Properties,
};
pub use outcome::{Abandoned, Counts, Enqueued, LockLost, Peeked};
use state::State;
pub use transition::Transition;

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
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(5 * 60),
            max_delivery_count: 10,
            duplicate_window: Duration::from_secs(10 * 60),
            time_to_live: Duration::from_secs(14 * 24 * 60 * 60),
        }
    }
}

/// A handle on one queue; clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    clock: Clock,
    state: Mutex<State>,
    // Marked at every transition, also a hand-out: a receiver that waits must learn when that lock would end.
    changed: watch::Sender<()>,
    transitions: broadcast::Sender<Transition>,
}

/// More than a test or a screen ever lags behind.
const TRANSITIONS_KEPT: usize = 16 * 1024;

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(name: impl Into<String>, options: QueueOptions, clock: Clock) -> Self {
        let shared = Shared {
            name: name.into(),
            clock,
            state: Mutex::new(State::new(options)),
            changed: watch::Sender::new(()),
            transitions: broadcast::Sender::new(TRANSITIONS_KEPT),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The clock this queue goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Every transition from now on, in order.
    #[must_use]
    pub fn transitions(&self) -> broadcast::Receiver<Transition> {
        self.shared.transitions.subscribe()
    }

    /// Accepts a message, or drops it as a duplicate.
    pub fn enqueue(&self, message: Message) -> Enqueued {
        self.change(|state, now| state.enqueue(message, now))
    }

    /// Waits for a message and locks it.
    pub async fn receive(&self) -> Delivery {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(delivery) = self.try_receive() {
                return delivery;
            }
            let expiry = self.state().next_lock_expiry();
            tokio::select! {
                // The sender lives as long as `self`: there is no error to see.
                _ = changed.changed() => {}
                () = self.wait_for(expiry) => {}
            }
        }
    }

    /// Locks a message, if one waits.
    #[must_use]
    pub fn try_receive(&self) -> Option<Delivery> {
        self.change(State::receive)
    }

    /// How many messages are where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.change(State::counts)
    }

    /// Every message that waits or is locked, oldest first.
    #[must_use]
    pub fn peek(&self) -> Vec<Peeked> {
        self.state().peek()
    }

    /// The dead letters, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.state().dead.all()
    }

    /// Puts a letter among the dead as it is, with numbers and times of its own: to set a stage for tests.
    pub fn bury(&self, letter: DeadLetter) {
        self.change(|state, _| state.bury_letter(letter));
    }

    /// Lets `act` change the state, and tells what changed.
    fn change<T>(&self, act: impl FnOnce(&mut State, OffsetDateTime) -> T) -> T {
        let mut state = self.state();
        let result = act(&mut state, self.now());
        let transitions = state.take_transitions();
        if !transitions.is_empty() {
            for transition in transitions {
                // Under the lock, so that the order told is the order of events. An error means that nobody listens.
                self.shared.transitions.send(transition).ok();
            }
            drop(state);
            self.shared.changed.send_replace(());
        }
        result
    }

    async fn wait_for(&self, expiry: Option<OffsetDateTime>) {
        match expiry {
            Some(expiry) => self.shared.clock.sleep_until(expiry).await,
            None => std::future::pending().await,
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.shared.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No transition panics half-way, so what a poisoned lock holds is whole.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
