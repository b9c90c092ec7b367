//! One session: its carts are sent one after another, and a newer one replaces one that still waits (design D17).

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::message::Message;
use super::oracle::Oracle;
use super::slot::{Due, Slot};
use crate::access::{Answer, Bus};
use crate::evidence::{Fate, Sent, sha256};

const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How long a message is tried after the last cart arrived, before its fate stays open.
const LAST_TRIES: Duration = Duration::from_secs(60);

/// A session with all it needs to send.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) slot: Arc<Slot>,
    pub(super) bus: Bus,
    pub(super) oracle: Oracle,
    pub(super) random: Rng,
    pub(super) body_bytes: usize,
    /// When no cart arrives any more.
    pub(super) over: watch::Receiver<Option<Instant>>,
}

impl Session {
    /// Sends what the slot is filled with until no more carts arrive.
    pub(super) async fn run(mut self) {
        let mut revision = 0;
        let mut over = self.over.clone();
        loop {
            if let Some(due) = self.slot.take() {
                revision += 1;
                if self.send(revision, due).await == Fate::Maybe {
                    return; // a newer cart must not overtake one whose fate is open
                }
                continue;
            }
            if over.borrow_and_update().is_some() {
                return;
            }
            tokio::select! {
                () = self.slot.filled() => {}
                // An error means that the run is gone: so are we.
                ended = over.changed() => if ended.is_err() { return },
            }
        }
    }

    /// Sends one message under one id until the queue has clearly answered.
    async fn send(&mut self, revision: u64, due: Due) -> Fate {
        let (least, random) = (self.body_bytes, &mut self.random);
        let message = Message::new(due.poison, &self.id, revision, least, random);
        let message_id = Uuid::now_v7().to_string();
        let (mut tries, mut unclear) = (0, false);
        let fate = loop {
            tries += 1;
            let wait = match self.bus.send(&message_id, &message).await {
                Answer::Accepted => break Fate::Accepted,
                Answer::Refused(status) if !unclear => break Fate::Refused(status),
                Answer::Refused(_) => break Fate::Maybe,
                Answer::NotNow(wait) => wait,
                Answer::Unclear => {
                    unclear = true;
                    None
                }
            };
            if self.has_tried_long_enough() {
                break if unclear {
                    Fate::Maybe
                } else {
                    Fate::Refused(0)
                };
            }
            let step = BACKOFF * 2_u32.saturating_pow(tries.min(8) - 1);
            let jittered = step.min(BACKOFF_MAX).mul_f64(0.5 + self.random.f64() / 2.0);
            sleep(wait.unwrap_or(jittered)).await;
        };
        self.oracle.note(Sent {
            session: self.id.clone(),
            revision,
            message_id,
            sha256: sha256(&message.body),
            order_sha256: message.order_sha256,
            fate,
            tries,
            unclear,
            due: due.at,
            answered: OffsetDateTime::now_utc(),
        });
        fate
    }

    fn has_tried_long_enough(&self) -> bool {
        self.over
            .borrow()
            .is_some_and(|over| over.elapsed() > LAST_TRIES)
    }
}
