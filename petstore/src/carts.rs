//! Every shopper's record, read and changed: each change is written under the condition that nobody
//! wrote since it was read, and made anew on what is there when somebody did.
//!
//! The mark. Before a record owes something it gets a mark, and the write that makes it owe follows
//! a mark that was made *after* the record was read. A mark is taken away only by its own version,
//! known *before* the write that made the record clean, or wrote it clean once more. So when a mark
//! goes, whoever read the record before that write has its own write refused, and whoever read it
//! later has renewed the mark, which then stays. A look at the record alone would not do: a click
//! that has made its mark and not yet its write would lose it.
//!
//! A write without an answer may have been done, or be done later. The record is read again: a click
//! finds its own id in it and is not done twice. What was not done is written once more, under the
//! condition of what was read, and so only one of the two can be.

use std::time::Duration;

use azure_app::trace;
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tracing::info;
use uuid::Uuid;

use crate::record::{
    CLAIM_MAX_MS, Claim, Claimed, ClickRefused, Done, Operation, OwedOrder, Record, RecordError,
    Stamp,
};
use crate::session::SessionId;
use crate::store::{CartStore, Expected, RecordName, StoreError, Version, WriteReply};

/// How often a change is made anew because somebody else came first. The instances are few, and of
/// one instance one click at a time writes a record.
const ROUNDS_MAX: usize = 32;

/// How often the store may fail within a change: a connection can be stale, an answer lost.
const FAILURES_MAX: usize = 2;

/// Clicks on records of one such share wait for each other.
const SHARES: usize = 256;

/// What a claim lasts beyond one attempt to send: for the way to the store and back.
const CLAIM_MARGIN: Duration = Duration::from_secs(3);

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Unix milliseconds.
    fn now(&self) -> i64;
}

/// The system's.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let now = OffsetDateTime::now_utc();
        now.unix_timestamp() * 1000 + i64::from(now.millisecond())
    }
}

/// Why a record could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CartsError {
    /// The store does not answer. Nothing was changed.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The same after a write: it may have been done.
    #[error("store, after a write: {0}")]
    Unclear(#[source] StoreError),
    /// What is stored is no record of ours. It is left as it is.
    #[error("record {0}: {1}")]
    Unreadable(RecordName, #[source] RecordError),
    /// Others wrote the record in every round.
    #[error("others wrote the record in {ROUNDS_MAX} rounds")]
    Contended,
}

/// Why a click is not done.
#[derive(Debug, thiserror::Error)]
pub enum ClickError {
    /// The record's rules.
    #[error(transparent)]
    Refused(#[from] ClickRefused),
    /// As many shoppers' orders wait as may.
    #[error("the outbox is full")]
    Full,
    /// The store.
    #[error(transparent)]
    Carts(#[from] CartsError),
    /// It is not known what became of it: it takes too long.
    #[error("the click takes too long")]
    Ended,
}

/// A record in the hands of who is to send for it: what is known of it, from when it was read or
/// written last.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Whose.
    pub name: RecordName,
    known: Option<(Record, Version)>,
    mark: Option<Version>,
}

impl Handover {
    /// Nothing is known of the record yet but its mark, if that was seen.
    #[must_use]
    pub fn unread(name: RecordName, mark: Option<Version>) -> Self {
        let known = None;
        Self { name, known, mark }
    }

    /// Its mark, as it was seen or made last.
    #[must_use]
    pub fn mark(&self) -> Option<&Version> {
        self.mark.as_ref()
    }

    /// What is to be sent, as far as that is known.
    #[must_use]
    pub fn in_flight(&self) -> Option<&OwedOrder> {
        self.known.as_ref()?.0.in_flight()
    }
}

/// A click that was done.
#[derive(Debug)]
pub struct Clicked {
    /// How.
    pub done: Done,
    /// What the record is now.
    pub record: Record,
    /// What this instance is to send.
    pub handover: Option<Handover>,
}

/// The records, as one instance sees them.
#[derive(Debug)]
pub struct Carts<S, C> {
    store: S,
    clock: C,
    instance: String,
    attempt: Duration,
    turns: Vec<Mutex<()>>,
}

impl<S: CartStore, C: Clock> Carts<S, C> {
    /// The records in `store`, for one instance. `attempt` is the time limit of one attempt to
    /// send.
    pub fn new(store: S, clock: C, attempt: Duration) -> Self {
        Self {
            store,
            clock,
            instance: Uuid::new_v4().simple().to_string(),
            attempt,
            turns: (0..SHARES).map(|_| Mutex::default()).collect(),
        }
    }

    /// Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A shopper's record, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn show(&self, name: &RecordName) -> Result<Option<Record>, CartsError> {
        let read = self.read(name).await?;
        Ok(read.map(|(record, _)| record))
    }

    /// Takes a click: when it returns, the change is in the store, and will be sent. `room` says
    /// whether one more record may begin to wait.
    ///
    /// # Errors
    /// [`ClickError`]. Nothing has changed, but where a write's answer was lost.
    pub async fn click(
        &self,
        name: &RecordName,
        operation: &Operation,
        room: bool,
    ) -> Result<Clicked, ClickError> {
        let mut stamp = Stamp {
            click: fresh_id(),
            message: Uuid::now_v7().to_string(),
            traceparent: trace::current().map_or_else(fresh_trace, |here| here.to_string()),
            next_session: SessionId::fresh(),
            now: 0,
            claim: self.claim_from(0),
        };
        let mut done = Err(ClickError::Full);
        let mut held = Handover::unread(*name, None);
        let click = |record: &mut Record| {
            stamp.now = self.clock.now();
            stamp.claim = self.claim_from(stamp.now);
            done = match room || !record.owed().is_empty() {
                true => record.click(operation, &stamp).map_err(ClickError::from),
                false => Err(ClickError::Full),
            };
            matches!(done, Ok(Done::Changed))
        };
        let record = self.change(&mut held, click).await?;
        let is_ours = held.in_flight().is_some() && record.is_owner(&self.instance);
        Ok(Clicked {
            done: done?,
            record,
            // Without a mark of its own it changed what this instance sends for already.
            handover: Some(held).filter(|held| is_ours && held.mark.is_some()),
        })
    }

    /// Claims the sending for this instance, as the record is now. A record that owes nothing has
    /// a mark too many: with `tidy` it is taken away. The record is written once more before, so
    /// that a click which has made its mark and not yet its write is refused.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub async fn claim(&self, held: &mut Handover, tidy: bool) -> Result<Claimed, CartsError> {
        let (mut claimed, mut before) = (Claimed::Clean, None);
        held.known = None;
        let claim = |record: &mut Record| {
            let now = self.clock.now();
            before = record.owner().cloned();
            claimed = record.claim(&self.claim_from(now), now);
            match claimed {
                Claimed::Ours => true,
                Claimed::Clean => tidy,
                Claimed::Others(_) => false,
            }
        };
        self.change(held, claim).await?;
        let from_others = before.is_some_and(|owner| owner.instance != self.instance);
        if claimed == Claimed::Ours && from_others {
            info!(record = %held.name, "an order that nobody sends is taken over");
        }
        if let (Claimed::Clean, true, Some(mark)) = (claimed, tidy, &held.mark) {
            self.store.unmark(&held.name, mark).await?;
        }
        Ok(claimed)
    }

    /// Whether this instance has a claim that lasts for one more attempt.
    pub fn may_send(&self, held: &Handover) -> bool {
        let owner = held.known.as_ref().and_then(|(record, _)| record.owner());
        owner.is_some_and(|claim| {
            let left = claim.until.saturating_sub(self.clock.now());
            claim.instance == self.instance && left >= milliseconds(self.attempt)
        })
    }

    /// The bus has `message`: the next order becomes the one in flight, if the record is this
    /// instance's still. The mark of a record that is clean now goes.
    ///
    /// # Errors
    /// When the record cannot be read or written: the message is still in flight there.
    pub async fn settle(&self, held: &mut Handover, message: &str) -> Result<(), CartsError> {
        let mut settled = false;
        let settle = |record: &mut Record| {
            let now = self.clock.now();
            settled = record.settle(message, &self.claim_from(now), now);
            settled
        };
        let record = self.change(held, settle).await?;
        if let (true, true, Some(mark)) = (settled, record.owed().is_empty(), &held.mark) {
            // Best effort: a mark too many is found and taken away.
            self.store.unmark(&held.name, mark).await.ok();
        }
        Ok(())
    }

    /// All marks.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        self.store.marks().await
    }

    async fn read(&self, name: &RecordName) -> Result<Option<(Record, Version)>, CartsError> {
        let mut failures = 0;
        let stored = loop {
            match self.store.read(name).await {
                Ok(stored) => break stored,
                // Once more at once: a connection that was open may have been closed.
                Err(error) if failures == 0 && !matches!(error, StoreError::TimedOut(_)) => {
                    failures += 1;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let Some(stored) = stored else {
            return Ok(None);
        };
        let record = Record::from_bytes(&stored.bytes);
        let record = record.map_err(|error| CartsError::Unreadable(*name, error))?;
        Ok(Some((record, stored.version)))
    }

    /// Reads, changes and writes, until a write is done or `decide` wants none. What is known of
    /// the record saves a read, until it turns out to be old.
    async fn change(
        &self,
        held: &mut Handover,
        decide: impl FnMut(&mut Record) -> bool,
    ) -> Result<Record, CartsError> {
        let [share, ..] = held.name.0;
        let _turn = match self.turns.get(usize::from(share) % SHARES) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let mut unclear = false;
        let changed = self.rounds(held, decide, &mut unclear).await;
        changed.map_err(|error| match error {
            CartsError::Store(error) if unclear => CartsError::Unclear(error),
            error => error,
        })
    }

    async fn rounds(
        &self,
        held: &mut Handover,
        mut decide: impl FnMut(&mut Record) -> bool,
        unclear: &mut bool,
    ) -> Result<Record, CartsError> {
        let mut failures = 0;
        let mut failed = |error: StoreError| {
            failures += 1;
            match failures > FAILURES_MAX {
                true => Err(error),
                false => Ok(()),
            }
        };
        for _ in 0..ROUNDS_MAX {
            let known = match held.known.take() {
                None => self.read(&held.name).await?,
                known => known,
            };
            let (before, version) = known.unzip();
            let before = before.unwrap_or_else(|| Record::first(held.name.first_session()));
            let mut record = before.clone();
            if !decide(&mut record) {
                held.known = version.map(|version| (record.clone(), version));
                return Ok(record);
            }
            let bytes = record.to_bytes();
            let bytes = bytes.map_err(|error| CartsError::Unreadable(held.name, error))?;
            // Each time anew: it has to be made after the read. And who begins to send for what is
            // owed already needs to know a mark that it can take away.
            let begins = held.mark.is_none() && record.owner() != before.owner();
            if !record.owed().is_empty() && (before.owed().is_empty() || begins) {
                match self.store.mark(&held.name).await {
                    Ok(made) => held.mark = Some(made),
                    Err(error) => {
                        failed(error)?;
                        continue;
                    }
                }
            }
            let expected = version.map_or(Expected::Absent, Expected::Version);
            match self.store.write(&held.name, bytes, &expected).await {
                Ok(WriteReply::Written(version)) => {
                    held.known = Some((record.clone(), version));
                    return Ok(record);
                }
                Ok(WriteReply::Refused) => {}
                Err(error) => {
                    *unclear = true;
                    failed(error)?;
                }
            }
        }
        Err(CartsError::Contended)
    }

    fn claim_from(&self, now: i64) -> Claim {
        let length = milliseconds(self.attempt + CLAIM_MARGIN).min(CLAIM_MAX_MS);
        Claim {
            instance: self.instance.clone(),
            until: now.saturating_add(length),
        }
    }

    /// From now to a moment in Unix milliseconds.
    pub(crate) fn remaining(&self, until: i64) -> Duration {
        let left = until.saturating_sub(self.clock.now()).max(0);
        Duration::from_millis(left.unsigned_abs())
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn fresh_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A W3C `traceparent` that begins a trace.
fn fresh_trace() -> String {
    let trace = Uuid::new_v4().simple();
    let (span, _) = Uuid::new_v4().as_u64_pair();
    format!("00-{trace}-{span:016x}-01")
}
