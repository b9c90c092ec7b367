//! Those who send carts to the queue's door: many sessions at a time, each one cart after another.
//!
//! When carts arrive is for [`arrivals`], or for the [`crowd`] that sends so many of them; what the queue said to each is
//! written down by the [`oracle`].

pub(super) mod arrivals;
pub(super) mod cart;
pub(super) mod crowd;
pub(super) mod message;
pub(super) mod oracle;
mod session;
mod slot;

use std::sync::Arc;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::access::Bus;
use oracle::Oracle;
use session::Session;
use slot::Slot;

/// Sessions at work; each sends what its slot is filled with.
#[derive(Debug)]
pub(super) struct Senders {
    /// One for each session.
    pub(super) slots: Vec<Arc<Slot>>,
    over: watch::Sender<Option<Instant>>,
    running: JoinSet<()>,
}

/// One who sends.
#[derive(Debug)]
pub(super) struct Sender {
    /// Its session.
    pub(super) id: String,
    /// Decides what is in its carts.
    pub(super) random: Rng,
    /// The least size of them.
    pub(super) body_bytes: usize,
}

impl Senders {
    pub(super) fn start(all: impl Iterator<Item = Sender>, bus: &Bus, oracle: &Oracle) -> Self {
        let over = watch::Sender::new(None);
        let (mut slots, mut running) = (Vec::new(), JoinSet::new());
        for sender in all {
            let slot = Arc::<Slot>::default();
            slots.push(Arc::clone(&slot));
            let session = Session {
                id: sender.id,
                slot,
                bus: bus.clone(),
                oracle: oracle.clone(),
                random: sender.random,
                body_bytes: sender.body_bytes,
                over: over.subscribe(),
            };
            running.spawn(session.run());
        }
        Self {
            slots,
            over,
            running,
        }
    }

    /// No more carts arrive: waits until each session has sent its last.
    pub(super) async fn end(mut self) {
        self.over.send_replace(Some(Instant::now()));
        while self.running.join_next().await.is_some() {}
    }
}
