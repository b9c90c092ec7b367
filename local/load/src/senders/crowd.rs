//! A crowd of sessions that sends a given number of carts, each its next one as soon as the queue
//! has the last.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::time::sleep;

use super::{Due, Sender, Senders, SentLog, Slot};
use crate::LoadError;
use crate::access::Access;
use crate::evidence::{Blob, Sent, blob_name};
use crate::message::{POISONS, Poison};
use crate::places::Places;

/// Between two rounds through the sessions.
const ROUND: Duration = Duration::from_millis(1);

/// While too many messages wait.
const HELD_BACK: Duration = Duration::from_millis(5);

/// Messages of a session, on average.
pub const CARTS_EACH: usize = 20;

/// One of so many messages is poison, at this place among them.
const POISON_EVERY: usize = 200;
const POISON_PLACE: usize = 50;

/// Every so many sessions have large carts.
const LARGE_EVERY: usize = 50;
const LARGE_BYTES: usize = 16 * 1024;

/// Senders, and what they have sent.
#[derive(Debug, Clone)]
pub struct Crowd {
    log: SentLog,
    access: Access,
}

impl Crowd {
    pub fn at(places: &Places) -> Result<Self, LoadError> {
        Ok(Self {
            log: SentLog::default(),
            access: Access::to(places)?,
        })
    }

    /// Sends `messages`, carts and a little poison, and no more once `stop` has come to pass; while
    /// `is_full`, nobody begins a new one.
    ///
    /// `sessions` of them send at a time. After some carts each, others take their place: so many a
    /// session's last cart meets trouble, and is not followed by one that makes up for it. What is
    /// in them follows from `random`.
    pub async fn send(
        &self,
        messages: usize,
        sessions: usize,
        mut random: Rng,
        is_full: impl Fn() -> bool,
        stop: impl Future<Output = ()>,
    ) {
        let mut sent = 0;
        let mut stop = std::pin::pin!(stop);
        while sent < messages {
            let end = messages.min(sent + sessions * CARTS_EACH);
            let all_sent = self.wave(sent..end, sessions, &mut random, &is_full, stop.as_mut());
            if !all_sent.await {
                return;
            }
            sent = end;
        }
    }

    /// The messages of sessions that begin and end here; false when `stop` came to pass.
    async fn wave(
        &self,
        numbers: Range<usize>,
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
        let senders = Senders::start(all, &self.access.bus, &self.log);
        let all_sent = tokio::select! {
            () = fill(&senders.slots, numbers, is_full) => true,
            () = stop => false,
        };
        senders.end().await;
        all_sent
    }

    pub fn messages(&self) -> usize {
        self.log.len()
    }

    /// What was sent, and how the queue answered.
    pub fn sent(&self) -> Vec<Sent> {
        self.log.sent()
    }

    /// The blobs of those who sent, as anyone can read them, and the names of all.
    pub async fn blobs(
        &self,
        sent: &[Sent],
    ) -> Result<(BTreeMap<String, Blob>, BTreeSet<String>), LoadError> {
        let ours = sent.iter().map(|sent| blob_name(&sent.session)).collect();
        let found = self.access.blobs.read_all(ours).await?;
        let blobs = found.into_iter().map(|(name, (blob, _))| (name, blob));
        Ok((blobs.collect(), self.access.blobs.names().await?))
    }
}

/// Gives a message to whoever has none waiting, until all are given out.
async fn fill(slots: &[Arc<Slot>], numbers: Range<usize>, is_full: impl Fn() -> bool) {
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        if is_full() {
            sleep(HELD_BACK).await;
            continue;
        }
        for slot in slots {
            let Some(number) = numbers.peek() else { return };
            let due = Due {
                at: OffsetDateTime::now_utc(),
                poison: poison(*number),
            };
            if slot.fill_if_empty(due) {
                numbers.next();
            }
        }
        sleep(ROUND).await;
    }
}

/// What is wrong with the message of this number, if anything: each kind of poison has its turn.
fn poison(number: usize) -> Option<Poison> {
    let (round, place) = (number / POISON_EVERY, number % POISON_EVERY);
    let poison = POISONS.get(round % POISONS.len()).copied();
    poison.filter(|_| place == POISON_PLACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poison_of_every_kind_is_in_a_thousand_messages() {
        let found: Vec<Poison> = (0..1_000).filter_map(poison).collect();
        assert_eq!(found, POISONS);
    }
}
