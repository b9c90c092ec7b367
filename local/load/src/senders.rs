//! Those who send to the queue's door: many sessions at a time, each one message after another.
//!
//! When carts arrive is for [`arrivals`], or for the [`crowd`] that sends so many of them. A
//! [`Session`] sends what its [`Slot`] is filled with, and the [`SentLog`] keeps what the queue
//! said to each message.

pub(crate) mod arrivals;
pub(crate) mod crowd;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::LoadError;
use crate::access::{Answer, Bus};
use crate::evidence::{Fate, Sent, sha256};
use crate::message::{Message, Poison};

const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How long a message is tried after the last cart arrived, before its fate stays open.
const LAST_TRIES: Duration = Duration::from_secs(60);

/// Sessions at work.
#[derive(Debug)]
pub(crate) struct Senders {
    /// One for each session.
    pub(crate) slots: Vec<Arc<Slot>>,
    over: watch::Sender<Option<Instant>>,
    running: JoinSet<()>,
}

/// One who sends.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) id: String,
    /// Decides what is in its carts.
    pub(crate) random: Rng,
    /// The least size of them.
    pub(crate) body_bytes: usize,
}

impl Senders {
    pub(crate) fn start(all: impl Iterator<Item = Sender>, bus: &Bus, sent: &SentLog) -> Self {
        let over = watch::Sender::new(None);
        let (mut slots, mut running) = (Vec::new(), JoinSet::new());
        for sender in all {
            let slot = Arc::<Slot>::default();
            slots.push(Arc::clone(&slot));
            let session = Session {
                id: sender.id,
                slot,
                bus: bus.clone(),
                sent: sent.clone(),
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
    pub(crate) async fn end(mut self) {
        self.over.send_replace(Some(Instant::now()));
        while self.running.join_next().await.is_some() {}
    }
}

/// Sends one message after another.
///
/// A cart is the whole order, so a newer one may replace one that still waits. But none may
/// overtake another that is being sent: whatever gets the higher number wins.
struct Session {
    id: String,
    slot: Arc<Slot>,
    bus: Bus,
    sent: SentLog,
    random: Rng,
    body_bytes: usize,
    /// When no cart arrives any more.
    over: watch::Receiver<Option<Instant>>,
}

impl Session {
    /// Sends what the slot is filled with until no more carts arrive.
    async fn run(mut self) {
        let mut revision = 0;
        let mut over = self.over.clone();
        loop {
            if let Some(due) = self.slot.take() {
                revision += 1;
                // A newer cart must not overtake one whose fate is open.
                if self.send(revision, due).await == Fate::Maybe {
                    return;
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
        self.sent.note(Sent {
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

/// A message that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// Since when.
    at: OffsetDateTime,
    /// What is wrong with it; nothing with a cart.
    poison: Option<Poison>,
}

impl Due {
    pub(crate) fn cart(at: OffsetDateTime) -> Self {
        Self { at, poison: None }
    }
}

/// Where a session's next message waits: one at most. A newer cart takes the place of an older one.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    due: Mutex<Option<Due>>,
    filled: Notify,
}

impl Slot {
    /// A cart that is due now. True when it replaces one that still waits.
    pub(crate) fn fill(&self, at: OffsetDateTime) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = waiting.is_some();
        // The shopper has waited since the first of them.
        waiting.get_or_insert(Due::cart(at));
        self.filled.notify_one();
        replaces
    }

    /// What is due now, unless something waits.
    pub(crate) fn fill_if_empty(&self, due: Due) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_some() {
            return false;
        }
        *waiting = Some(due);
        self.filled.notify_one();
        true
    }

    fn take(&self) -> Option<Due> {
        self.due
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Comes to pass when something may wait.
    async fn filled(&self) {
        self.filled.notified().await;
    }
}

/// What was sent, and what the queue said to it: in memory, and in a file that only grows. Clones
/// share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentLog(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    sent: Vec<Sent>,
    file: Option<File>,
}

impl SentLog {
    /// One that also writes each note as a line of JSON into `sent.jsonl` of this folder, if there
    /// is one.
    pub(crate) fn kept_in(folder: Option<&Path>) -> Result<Self, LoadError> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        let path = folder.join("sent.jsonl");
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
        let file = made.map_err(|source| LoadError::File {
            path: path.display().to_string(),
            source,
        })?;
        let notes = Notes {
            sent: Vec::new(),
            file: Some(file),
        };
        Ok(Self(Arc::new(Mutex::new(notes))))
    }

    /// Notes a message whose sending has come to an end.
    pub(crate) fn note(&self, sent: Sent) {
        let mut notes = self.lock();
        if let (Some(file), Ok(line)) = (&mut notes.file, serde_json::to_string(&sent)) {
            // A full disk must not end the run: the judge goes by what is in memory.
            writeln!(file, "{line}").ok();
        }
        notes.sent.push(sent);
    }

    /// All notes. Of one session, in the order of sending.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().sent.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().sent.len()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
