//! What outlives an instance in the model: the record and its mark, the bus, and what is still in
//! the air. Each request waits here for the explorer to say what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use petstore::bus::{Publisher, SendError};
use petstore::carts::Clock;
use petstore::record::{OwedOrder, Record};
use petstore::store::{
    CartStore, Expected, RecordName, StoreError, StoredRecord, Version, WriteReply,
};
use serde_json::Value;

/// Whose record it is; there is one.
pub(super) const NAME: RecordName = RecordName([7; 32]);

/// How long the bus knows an id, in milliseconds.
const WINDOW_MS: i64 = 600_000;

/// How long a request may be in the air: less than that by far, or the bus would forget first.
const LATE_MS: i64 = 300_000;

/// What is broken on purpose, to see that the model would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Nothing,
    /// Nobody leaves a mark.
    NoMark,
    /// A mark goes, whoever touched it since.
    UnmarkAnyway,
    /// What the bus did not answer clearly counts as sent.
    NextBeforeClear,
    /// The shopper's request owns the hand-over, and nobody looks for what it left.
    HandoverInRequest,
    /// A click works on the cart that its page brought along, and its write has no condition.
    CartFromCookie,
}

/// A request, and later its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Read,
    Write {
        bytes: Vec<u8>,
        expected: Expected,
    },
    Mark,
    Unmark(Version),
    Marks,
    Send {
        message: String,
        session: String,
        order: String,
    },
    /// A delivery that failed asks when to go on.
    Turn,
}

impl Request {
    pub(super) fn changes_something(&self) -> bool {
        !matches!(self, Self::Read | Self::Marks | Self::Turn)
    }

    pub(super) fn is_send(&self) -> bool {
        matches!(self, Self::Send { .. })
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Read(Option<StoredRecord>),
    Write(WriteReply),
    Mark(Version),
    Unmark(bool),
    Marks(Vec<(RecordName, Version)>),
    Sent,
    Turn,
    /// None in time, or a broken connection: it may have been done.
    None {
        at_once: bool,
    },
}

/// An order as the bus has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) message: String,
    pub(super) session: String,
    pub(super) order: String,
}

/// What is kept outside of the instances.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    record: Option<(Vec<u8>, u64)>,
    mark: Option<u64>,
    writes: u64,
    marks: u64,
    pub(super) taken: Vec<Taken>,
    known: BTreeMap<String, i64>,
    /// Requests that nobody waits for any more, since when; they may be done yet.
    pub(super) late: Vec<(Request, i64)>,
    /// Milliseconds.
    pub(super) now: i64,
    /// In which state of the record each message was made.
    pub(super) revisions: BTreeMap<String, u64>,
    /// Names for ids, which are new in each run: without them no two runs would meet in a state.
    names: BTreeMap<String, String>,
}

impl Kept {
    pub(super) fn record(&self) -> Option<Record> {
        let (bytes, _) = self.record.as_ref()?;
        Some(Record::from_bytes(bytes).expect("a record"))
    }

    pub(super) fn is_marked(&self) -> bool {
        self.mark.is_some()
    }

    /// Does what is asked.
    pub(super) fn apply(&mut self, request: &Request, broken: Broken) -> Reply {
        match request {
            Request::Read => {
                Reply::Read(self.record.clone().map(|(bytes, version)| StoredRecord {
                    bytes,
                    version: version_of(version),
                }))
            }
            Request::Write { bytes, expected } => {
                let holds = match (expected, &self.record) {
                    (Expected::Absent, None) => true,
                    (Expected::Version(wanted), Some((_, at))) => *wanted == version_of(*at),
                    _ => false,
                };
                if !holds && broken != Broken::CartFromCookie {
                    return Reply::Write(WriteReply::Refused);
                }
                // A click that has to be made anew has the same id in a later state.
                let record = Record::from_bytes(bytes).expect("a record");
                for owed in record.owed() {
                    let made = self.revisions.entry(owed.message.clone());
                    made.or_insert(record.revision);
                }
                self.writes += 1;
                self.record = Some((bytes.clone(), self.writes));
                Reply::Write(WriteReply::Written(version_of(self.writes)))
            }
            Request::Mark => {
                self.marks += 1;
                if broken != Broken::NoMark {
                    self.mark = Some(self.marks);
                }
                Reply::Mark(version_of(self.marks))
            }
            Request::Unmark(version) => {
                let same = self.mark.is_some_and(|at| version_of(at) == *version);
                let goes = same || broken == Broken::UnmarkAnyway;
                if goes {
                    self.mark = None;
                }
                Reply::Unmark(goes)
            }
            Request::Marks => {
                let marks = self.mark.map(|at| (NAME, version_of(at)));
                Reply::Marks(marks.into_iter().collect())
            }
            Request::Turn => Reply::Turn,
            Request::Send {
                message,
                session,
                order,
            } => {
                let known = self.known.get(message);
                let is_new = known.is_none_or(|at| at + WINDOW_MS < self.now);
                if is_new {
                    self.known.insert(message.clone(), self.now);
                    self.taken.push(Taken {
                        message: message.clone(),
                        session: session.clone(),
                        order: order.clone(),
                    });
                }
                Reply::Sent
            }
        }
    }

    /// Time passes, and what was in the air for too long is gone.
    pub(super) fn pass(&mut self, milliseconds: i64) {
        self.now += milliseconds;
        let now = self.now;
        self.late
            .retain(|(request, since)| !request.is_send() || since + LATE_MS > now);
    }

    /// Gives the ids in a record names by the task that brings them, and notes its messages.
    fn christen(&mut self, bytes: &[u8], task: &str, instance: &str) {
        let record = Record::from_bytes(bytes).expect("a record");
        let value: Value = serde_json::from_slice(bytes).expect("JSON");
        let mut name = |id: &str, called: String| {
            self.names.entry(id.to_owned()).or_insert(called);
        };
        let first = NAME.first_session();
        name(first.as_str(), "s0".to_owned());
        for click in value
            .pointer("/record/clicks")
            .and_then(Value::as_array)
            .expect("clicks")
        {
            name(click.as_str().expect("text"), format!("c@{task}"));
        }
        for owed in record.owed() {
            name(&owed.message, format!("m@{task}"));
            name(&owed.traceparent, format!("t@{task}"));
        }
        name(record.session.as_str(), format!("s@{task}"));
        if let Some(owner) = record.owner() {
            name(&owner.instance, instance.to_owned());
        }
    }

    /// The same in each run that comes here, whatever its ids.
    pub(super) fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in &self.names {
            text = text.replace(id, name);
        }
        text
    }

    pub(super) fn described(&self) -> String {
        let record = self.record.as_ref();
        let record = record.map(|(bytes, at)| (String::from_utf8_lossy(bytes), *at));
        let late: Vec<_> = self
            .late
            .iter()
            .map(|(it, at)| (describe(it), *at))
            .collect();
        let Self {
            mark,
            marks,
            taken,
            known,
            now,
            ..
        } = self;
        let taken: Vec<_> = taken.iter().map(|it| &it.message).collect();
        self.named(&format!(
            "{record:?} {mark:?} {marks} {taken:?} {known:?} {late:?} {now}"
        ))
    }
}

pub(super) fn describe(request: &Request) -> String {
    match request {
        Request::Write { bytes, expected } => {
            format!("write {} {expected:?}", String::from_utf8_lossy(bytes))
        }
        other => format!("{other:?}"),
    }
}

fn version_of(number: u64) -> Version {
    Version::of_etag(&number.to_string())
}

/// The world as all tasks share it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) kept: Kept,
    pub(super) broken: Broken,
    /// Which task is polled, how it is called, and which instance it is of.
    pub(super) current: (usize, String, String),
    pub(super) asked: BTreeMap<usize, Request>,
    pub(super) replies: BTreeMap<usize, Reply>,
    /// Everything is answered at once: nobody explores.
    pub(super) calm: bool,
    /// Ids are not named: whoever runs one task at a time names them.
    pub(super) nameless: bool,
    /// Tasks of clicks that bring their cart along: what they read first.
    pub(super) cookies: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn new(kept: Kept, broken: Broken, calm: bool) -> Self {
        Self(Arc::new(Mutex::new(World {
            kept,
            broken,
            current: (0, String::new(), String::new()),
            asked: BTreeMap::new(),
            replies: BTreeMap::new(),
            calm,
            nameless: false,
            cookies: BTreeSet::new(),
        })))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no test panics with it")
    }

    /// Waits for a delivery's next turn.
    pub(super) async fn turn(&self) {
        self.ask(Request::Turn).await;
    }

    async fn ask(&self, request: Request) -> Reply {
        let task = {
            let mut world = self.world();
            let (task, name, instance) = world.current.clone();
            if let (Request::Write { bytes, .. }, false) = (&request, world.nameless) {
                world.kept.christen(bytes, &name, &instance);
            }
            if world.calm {
                let broken = world.broken;
                return world.kept.apply(&request, broken);
            }
            if request == Request::Read && world.cookies.contains(&name) {
                // The page came before all other clicks: an empty cart.
                return Reply::Read(None);
            }
            world.asked.insert(task, request);
            task
        };
        std::future::poll_fn(|_| match self.world().replies.remove(&task) {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        })
        .await
    }
}

fn failed(at_once: bool) -> StoreError {
    match at_once {
        true => StoreError::Unreachable("reset".to_owned()),
        false => StoreError::TimedOut(Duration::from_secs(1)),
    }
}

impl CartStore for Shared {
    async fn read(&self, _: &RecordName) -> Result<Option<StoredRecord>, StoreError> {
        match self.ask(Request::Read).await {
            Reply::Read(stored) => Ok(stored),
            Reply::None { at_once } => Err(failed(at_once)),
            other => panic!("{other:?}"),
        }
    }

    async fn write(
        &self,
        _: &RecordName,
        bytes: Vec<u8>,
        expected: &Expected,
    ) -> Result<WriteReply, StoreError> {
        let expected = expected.clone();
        match self.ask(Request::Write { bytes, expected }).await {
            Reply::Write(reply) => Ok(reply),
            Reply::None { at_once } => Err(failed(at_once)),
            other => panic!("{other:?}"),
        }
    }

    async fn mark(&self, _: &RecordName) -> Result<Version, StoreError> {
        match self.ask(Request::Mark).await {
            Reply::Mark(version) => Ok(version),
            Reply::None { at_once } => Err(failed(at_once)),
            other => panic!("{other:?}"),
        }
    }

    async fn unmark(&self, _: &RecordName, version: &Version) -> Result<bool, StoreError> {
        match self.ask(Request::Unmark(version.clone())).await {
            Reply::Unmark(gone) => Ok(gone),
            Reply::None { at_once } => Err(failed(at_once)),
            other => panic!("{other:?}"),
        }
    }

    async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        match self.ask(Request::Marks).await {
            Reply::Marks(marks) => Ok(marks),
            Reply::None { at_once } => Err(failed(at_once)),
            other => panic!("{other:?}"),
        }
    }
}

impl Publisher for Shared {
    async fn publish(&self, order: &OwedOrder) -> Result<(), SendError> {
        let request = Request::Send {
            message: order.message.clone(),
            session: order.session.as_str().to_owned(),
            order: order.order.clone(),
        };
        let reply = self.ask(request).await;
        let counts_as_sent = self.world().broken == Broken::NextBeforeClear;
        match reply {
            Reply::Sent => Ok(()),
            Reply::None { .. } if counts_as_sent => Ok(()),
            Reply::None { .. } => Err(SendError::Later {
                problem: "no answer".to_owned(),
                retry_after: None,
            }),
            other => panic!("{other:?}"),
        }
    }
}

/// An instance's clock, ahead of the world's by so many milliseconds.
#[derive(Clone, Debug)]
pub(super) struct ModelClock {
    pub(super) shared: Shared,
    pub(super) ahead: i64,
}

impl Clock for ModelClock {
    fn now(&self) -> i64 {
        self.shared.world().kept.now + self.ahead
    }
}
