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

use time::OffsetDateTime;
use tokio::sync::Mutex;
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

/// A record that this instance may send for.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Whose.
    pub name: RecordName,
    record: Record,
    version: Version,
    mark: Version,
}

impl Handover {
    /// What is to be sent.
    #[must_use]
    pub fn in_flight(&self) -> Option<&OwedOrder> {
        self.record.in_flight()
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

/// Who sends for a record.
#[derive(Debug)]
pub enum Turn {
    /// This instance, now.
    Ours(Box<Handover>),
    /// Nothing is owed.
    Clean,
    /// Another instance, for so long at most.
    Others(Duration),
}

/// What a look at a record finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It owes, since then in Unix milliseconds, and nobody else sends.
    Owes(i64),
    /// It owes, and another instance may send for so long.
    Others(Duration),
    /// Nothing is owed.
    Clean,
}

/// What to do with a record that was read.
enum Change<T> {
    Write(T),
    Keep(T),
}

/// A record that was read or written.
struct Held<T> {
    what: T,
    record: Record,
    version: Option<Version>,
    mark: Option<Version>,
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

    /// Where they are kept.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
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
        let (click, message) = (fresh_id(), Uuid::now_v7().to_string());
        let (traceparent, next_session) = (fresh_trace(), SessionId::fresh());
        let held = self
            .change(name, None, None, |record| {
                if !room && record.owed().is_empty() {
                    return Change::Keep(Err(ClickError::Full));
                }
                let now = self.clock.now();
                let stamp = Stamp {
                    click: click.clone(),
                    message: message.clone(),
                    traceparent: traceparent.clone(),
                    next_session: next_session.clone(),
                    now,
                    claim: self.claim_from(now),
                };
                match record.click(operation, &stamp) {
                    Ok(Done::Changed) => Change::Write(Ok(Done::Changed)),
                    done => Change::Keep(done.map_err(ClickError::from)),
                }
            })
            .await?;
        Ok(Clicked {
            done: held.what?,
            handover: self.handover(*name, &held.record, held.version, held.mark),
            record: held.record,
        })
    }

    /// Claims the sending for this instance. `mark` is one that was seen before, if any was.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub async fn claim(
        &self,
        name: &RecordName,
        mark: Option<Version>,
    ) -> Result<Turn, CartsError> {
        let held = self
            .change(name, mark, None, |record| {
                let now = self.clock.now();
                match record.claim(&self.claim_from(now), now) {
                    Claimed::Ours => Change::Write(Claimed::Ours),
                    other => Change::Keep(other),
                }
            })
            .await?;
        Ok(match held.what {
            Claimed::Others(until) => Turn::Others(self.remaining(until)),
            Claimed::Clean => Turn::Clean,
            Claimed::Ours => {
                let handover = self.handover(*name, &held.record, held.version, held.mark);
                handover.map_or(Turn::Clean, |handover| Turn::Ours(Box::new(handover)))
            }
        })
    }

    /// Whether the claim lasts for one more attempt.
    pub fn may_send(&self, handover: &Handover) -> bool {
        let owner = handover.record.owner();
        let left = owner.map(|claim| claim.until.saturating_sub(self.clock.now()));
        left.is_some_and(|left| left >= milliseconds(self.attempt))
    }

    /// The bus has `message`: what is to be sent next, if this instance is to. The mark of a record
    /// that is clean now goes.
    ///
    /// # Errors
    /// When the record cannot be read or written: the message is still in flight there.
    pub async fn settle(
        &self,
        handover: Handover,
        message: &str,
    ) -> Result<Option<Handover>, CartsError> {
        let Handover {
            name,
            record,
            version,
            mark,
        } = handover;
        let held = self
            .change(&name, Some(mark), Some((record, version)), |record| {
                let now = self.clock.now();
                match record.settle(message, &self.claim_from(now), now) {
                    true => Change::Write(true),
                    false => Change::Keep(false),
                }
            })
            .await?;
        if let (true, true, Some(mark)) = (held.what, held.record.owed().is_empty(), &held.mark) {
            // Best effort: a mark too many is found and taken away.
            self.store.unmark(&name, mark).await.ok();
        }
        Ok(self.handover(name, &held.record, held.version, held.mark))
    }

    /// All marks.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        self.store.marks().await
    }

    /// What a record with a mark is like.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn look(&self, name: &RecordName) -> Result<Look, CartsError> {
        let Some((mut record, _)) = self.read(name).await? else {
            return Ok(Look::Clean);
        };
        let now = self.clock.now();
        let since = record.in_flight().map_or(now, |owed| owed.accepted);
        Ok(match record.claim(&self.claim_from(now), now) {
            Claimed::Ours => Look::Owes(since),
            Claimed::Clean => Look::Clean,
            Claimed::Others(until) => Look::Others(self.remaining(until)),
        })
    }

    /// Takes away a mark that was left on a record that owes nothing. The record is written once
    /// more first, so that a click which has made its mark and not yet its write is refused.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tidy(&self, name: &RecordName, mark: &Version) -> Result<(), CartsError> {
        let held = self
            .change(name, Some(mark.clone()), None, |record| {
                match record.owed().is_empty() {
                    true => Change::Write(true),
                    false => Change::Keep(false),
                }
            })
            .await?;
        if held.what {
            self.store.unmark(name, mark).await?;
        }
        Ok(())
    }

    async fn read(&self, name: &RecordName) -> Result<Option<(Record, Version)>, CartsError> {
        let mut failures = 0;
        let stored = loop {
            match self.store.read(name).await {
                Ok(stored) => break stored,
                // Once more at once: a connection that was open may have been closed.
                Err(StoreError::Storage(_)) if failures == 0 => failures += 1,
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

    /// Reads, changes and writes, until a write is done or `decide` wants none. `known` is the
    /// record as it was read or written last, which saves a read.
    async fn change<T>(
        &self,
        name: &RecordName,
        mut mark: Option<Version>,
        mut known: Option<(Record, Version)>,
        mut decide: impl FnMut(&mut Record) -> Change<T>,
    ) -> Result<Held<T>, CartsError> {
        let [share, ..] = name.0;
        let turn = self.turns.get(usize::from(share) % SHARES);
        let _turn = match turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let mut failures = 0;
        let mut unclear = false;
        for _ in 0..ROUNDS_MAX {
            let read = match known.take() {
                Some(known) => Some(known),
                None => self.read(name).await.map_err(|error| match error {
                    CartsError::Store(error) if unclear => CartsError::Unclear(error),
                    error => error,
                })?,
            };
            let (record, version) = read.unzip();
            let mut record = record.unwrap_or_else(|| Record::first(name.first_session()));
            let owed = !record.owed().is_empty();
            let owner = record.owner().cloned();
            let what = match decide(&mut record) {
                Change::Write(what) => what,
                Change::Keep(what) => {
                    return Ok(Held {
                        what,
                        record,
                        version,
                        mark,
                    });
                }
            };
            let bytes = record.to_bytes();
            let bytes = bytes.map_err(|error| CartsError::Unreadable(*name, error))?;
            // Each time anew: it has to be made after the read. And who begins to send for what is
            // owed already needs to know a mark that it can take away.
            let owes = !record.owed().is_empty();
            let begins = mark.is_none() && record.owner() != owner.as_ref();
            if owes && (!owed || begins) {
                match self.store.mark(name).await {
                    Ok(made) => mark = Some(made),
                    Err(_) if failures < FAILURES_MAX => {
                        failures += 1;
                        continue;
                    }
                    Err(error) if unclear => return Err(CartsError::Unclear(error)),
                    Err(error) => return Err(error.into()),
                }
            }
            let expected = version.map_or(Expected::Absent, Expected::Version);
            match self.store.write(name, bytes, &expected).await {
                Ok(WriteReply::Written(version)) => {
                    return Ok(Held {
                        what,
                        record,
                        version: Some(version),
                        mark,
                    });
                }
                Ok(WriteReply::Refused) => {}
                Err(error) => {
                    unclear = true;
                    failures += 1;
                    if failures > FAILURES_MAX {
                        return Err(CartsError::Unclear(error));
                    }
                }
            }
        }
        Err(CartsError::Contended)
    }

    fn handover(
        &self,
        name: RecordName,
        record: &Record,
        version: Option<Version>,
        mark: Option<Version>,
    ) -> Option<Handover> {
        if record.in_flight().is_none() || !record.is_owner(&self.instance) {
            return None;
        }
        Some(Handover {
            name,
            record: record.clone(),
            version: version?,
            mark: mark?,
        })
    }

    fn claim_from(&self, now: i64) -> Claim {
        let length = milliseconds(self.attempt + CLAIM_MARGIN).min(CLAIM_MAX_MS);
        Claim {
            instance: self.instance.clone(),
            until: now.saturating_add(length),
        }
    }

    /// From now to a moment in Unix milliseconds.
    fn remaining(&self, until: i64) -> Duration {
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
