//! A crowd of sessions that sends a given number of carts, each its next one as soon as the queue has the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::time::sleep;

use super::oracle::Oracle;
use super::slot::Slot;
use super::{Sender, Senders};
use crate::load::LoadError;
use crate::load::access::Access;
use crate::load::evidence::{Blob, Sent, blob_name};
use crate::load::target::Places;

/// Between two rounds through the sessions.
const ROUND: Duration = Duration::from_millis(1);

/// While too many messages wait.
const HELD_BACK: Duration = Duration::from_millis(5);

/// Carts of a session, on average.
const CARTS_EACH: usize = 20;

/// Every so many sessions have large carts.
const LARGE_EVERY: usize = 50;
const LARGE_BYTES: usize = 16 * 1024;

/// Senders, and the oracle that writes down what they send.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    oracle: Oracle,
    access: Access,
}

impl Crowd {
    pub(crate) fn at(places: &Places) -> Result<Self, LoadError> {
        Ok(Self {
            oracle: Oracle::default(),
            access: Access::to(places)?,
        })
    }

    /// Sends `messages` carts, and no more once `stop` has come to pass; while `is_full`, nobody begins a new cart.
    ///
    /// `sessions` of them send at a time. After some carts each, others take their place: so many a session's last cart
    /// meets trouble, and is not followed by one that makes up for it. What is in the carts follows from `random`.
    pub(crate) async fn send(
        &self,
        messages: usize,
        sessions: usize,
        mut random: Rng,
        is_full: impl Fn() -> bool,
        stop: impl Future<Output = ()>,
    ) {
        let mut left = messages;
        let mut stop = std::pin::pin!(stop);
        while left > 0 {
            let wave = left.min(sessions * CARTS_EACH);
            let all_sent = self.wave(wave, sessions, &mut random, &is_full, stop.as_mut());
            if !all_sent.await {
                return;
            }
            left -= wave;
        }
    }

    /// The carts of sessions that begin and end here; false when `stop` came to pass.
    async fn wave(
        &self,
        messages: usize,
        sessions: usize,
        random: &mut Rng,
        is_full: impl Fn() -> bool,
        stop: impl Future<Output = ()>,
    ) -> bool {
        let all = (0..sessions).map(|number| Sender {
            id: format!("{:032X}", random.u128(..)),
            random: random.fork(),
            body_bytes: if number % LARGE_EVERY == 1 {
                LARGE_BYTES
            } else {
                0
            },
        });
        let senders = Senders::start(all, &self.access.bus, &self.oracle);
        let all_sent = tokio::select! {
            () = fill(&senders.slots, messages, is_full) => true,
            () = stop => false,
        };
        senders.end().await;
        all_sent
    }

    /// How many carts were sent so far.
    pub(crate) fn len(&self) -> usize {
        self.oracle.len()
    }

    /// What was sent, and how the queue answered.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.oracle.sent()
    }

    /// The blobs of those who sent, as anyone can read them, and the names of all.
    pub(crate) async fn blobs(
        &self,
        sent: &[Sent],
    ) -> Result<(BTreeMap<String, Blob>, BTreeSet<String>), LoadError> {
        let ours = sent.iter().map(|sent| blob_name(&sent.session)).collect();
        let found = self.access.blobs.read_all(ours).await?;
        let blobs = found.into_iter().map(|(name, (blob, _))| (name, blob));
        Ok((blobs.collect(), self.access.blobs.names().await?))
    }
}

/// Gives a cart to whoever has none waiting, until all are given out.
async fn fill(slots: &[Arc<Slot>], messages: usize, is_full: impl Fn() -> bool) {
    let mut left = messages;
    while left > 0 {
        if is_full() {
            sleep(HELD_BACK).await;
            continue;
        }
        for slot in slots {
            if left > 0 && slot.fill_if_empty(OffsetDateTime::now_utc()) {
                left -= 1;
            }
        }
        sleep(ROUND).await;
    }
}
