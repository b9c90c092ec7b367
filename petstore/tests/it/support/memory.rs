//! A store and a bus in memory that break as they are told: for the record, the clicks and the
//! sending, without a network and on the paused clock.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use petstore::bus::{Publisher, SendError};
use petstore::carts::{Carts, Clock};
use petstore::outbox::Outbox;
use petstore::record::{Operation, OwedOrder};
use petstore::store::{
    CartStore, Expected, RecordName, StoreError, StoredRecord, Version, WriteReply,
};
use serde_json::Value;
use tokio::time::Instant;

use super::bus::lines;

/// What happens to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// It is done, and nobody hears of it.
    AnswerLost,
    /// It is not done.
    Failed,
    /// Nobody hears of it, and it is done later: [`Memory::late_writes`].
    Late,
}

#[derive(Debug, Default)]
struct Content {
    blobs: BTreeMap<String, (Vec<u8>, u64)>,
    writes: u64,
    fates: VecDeque<Fate>,
    late: Vec<(String, Vec<u8>, Expected)>,
    down: bool,
}

/// The store of all instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Content>>);

fn failed() -> StoreError {
    StoreError::Unreachable("it broke".to_owned())
}

fn version(number: u64) -> Version {
    Version::of_etag(&number.to_string())
}

impl Content {
    fn put(&mut self, name: String, bytes: Vec<u8>, expected: Option<&Expected>) -> WriteReply {
        let now = self.blobs.get(&name).map(|(_, number)| version(*number));
        let holds = match expected {
            None => true,
            Some(Expected::Absent) => now.is_none(),
            Some(Expected::Version(wanted)) => now.as_ref() == Some(wanted),
        };
        if !holds {
            return WriteReply::Refused;
        }
        self.writes += 1;
        self.blobs.insert(name, (bytes, self.writes));
        WriteReply::Written(version(self.writes))
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.down { Err(failed()) } else { Ok(()) }
    }
}

impl Memory {
    /// What the next writes of records meet, one after another.
    pub(crate) fn next(&self, fates: &[Fate]) {
        self.0.lock().unwrap().fates.extend(fates);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    /// What was on its way arrives; how many found their condition.
    pub(crate) fn late_writes(&self) -> usize {
        let mut content = self.0.lock().unwrap();
        let late = std::mem::take(&mut content.late);
        let replies = late
            .into_iter()
            .map(|(name, bytes, expected)| content.put(name, bytes, Some(&expected)));
        replies
            .filter(|reply| *reply != WriteReply::Refused)
            .count()
    }

    pub(crate) fn marked(&self) -> usize {
        let content = self.0.lock().unwrap();
        content
            .blobs
            .keys()
            .filter(|name| name.starts_with("pending/"))
            .count()
    }
}

impl CartStore for Memory {
    async fn read(&self, name: &RecordName) -> Result<Option<StoredRecord>, StoreError> {
        tokio::task::yield_now().await;
        let content = self.0.lock().unwrap();
        content.up()?;
        let found = content.blobs.get(&name.to_string()).cloned();
        Ok(found.map(|(bytes, number)| StoredRecord {
            bytes,
            version: version(number),
        }))
    }

    async fn write(
        &self,
        name: &RecordName,
        bytes: Vec<u8>,
        expected: &Expected,
    ) -> Result<WriteReply, StoreError> {
        tokio::task::yield_now().await;
        let mut content = self.0.lock().unwrap();
        content.up()?;
        let name = name.to_string();
        match content.fates.pop_front().unwrap_or(Fate::Done) {
            Fate::Done => Ok(content.put(name, bytes, Some(expected))),
            Fate::AnswerLost => {
                content.put(name, bytes, Some(expected));
                Err(failed())
            }
            Fate::Failed => Err(failed()),
            Fate::Late => {
                content.late.push((name, bytes, expected.clone()));
                Err(failed())
            }
        }
    }

    async fn mark(&self, name: &RecordName) -> Result<Version, StoreError> {
        tokio::task::yield_now().await;
        let mut content = self.0.lock().unwrap();
        content.up()?;
        match content.put(format!("pending/{name}"), Vec::new(), None) {
            WriteReply::Written(version) => Ok(version),
            WriteReply::Refused => unreachable!("no condition"),
        }
    }

    async fn unmark(&self, name: &RecordName, wanted: &Version) -> Result<bool, StoreError> {
        tokio::task::yield_now().await;
        let mut content = self.0.lock().unwrap();
        content.up()?;
        let name = format!("pending/{name}");
        let holds = content
            .blobs
            .get(&name)
            .is_some_and(|(_, number)| version(*number) == *wanted);
        if holds {
            content.blobs.remove(&name);
        }
        Ok(holds)
    }

    async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        tokio::task::yield_now().await;
        let content = self.0.lock().unwrap();
        content.up()?;
        let marks = content.blobs.iter().filter_map(|(name, (_, number))| {
            let name = RecordName::of_text(name.strip_prefix("pending/")?)?;
            Some((name, version(*number)))
        });
        Ok(marks.collect())
    }
}

/// What a bus does with what is sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// 503.
    Shut,
    /// It takes the message, and nobody hears of it.
    AnswerLost,
    /// Nobody hears of it, and it arrives later: [`Broker::late_requests`].
    Late,
    /// It will not take this message until a person changes something.
    Refuses,
}

#[derive(Debug)]
struct Taken {
    /// Whether ids are remembered.
    detects_duplicates: bool,
    known: HashSet<String>,
    orders: Vec<Value>,
    late: Vec<OwedOrder>,
    requests: usize,
}

impl Taken {
    fn take(&mut self, order: &OwedOrder) {
        if !self.detects_duplicates || self.known.insert(order.message.clone()) {
            self.orders
                .push(serde_json::from_str(&order.order).unwrap());
        }
    }
}

/// The queue of all instances.
#[derive(Clone, Debug)]
pub(crate) struct Broker(Arc<Mutex<Taken>>);

/// One instance's way in.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    broker: Broker,
    door: Arc<Mutex<Door>>,
}

impl Broker {
    pub(crate) fn new(detects_duplicates: bool) -> Self {
        Self(Arc::new(Mutex::new(Taken {
            detects_duplicates,
            known: HashSet::new(),
            orders: Vec::new(),
            late: Vec::new(),
            requests: 0,
        })))
    }

    pub(crate) fn way(&self, door: Door) -> Way {
        Way {
            broker: self.clone(),
            door: Arc::new(Mutex::new(door)),
        }
    }

    pub(crate) fn orders(&self) -> Vec<Value> {
        self.0.lock().unwrap().orders.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }

    /// Pieces of each order of the session, as they were taken.
    pub(crate) fn pieces(&self, session: &str) -> Vec<u64> {
        let orders = self
            .orders()
            .into_iter()
            .filter(|order| order["id"] == session);
        orders
            .map(|order| lines(&order).iter().map(|line| line.1).sum())
            .collect()
    }

    /// What was on its way arrives.
    pub(crate) fn late_requests(&self) {
        let mut taken = self.0.lock().unwrap();
        for order in std::mem::take(&mut taken.late) {
            taken.take(&order);
        }
    }
}

impl Way {
    pub(crate) fn set(&self, door: Door) {
        *self.door.lock().unwrap() = door;
    }
}

impl Publisher for Way {
    async fn publish(&self, order: &OwedOrder) -> Result<(), SendError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let door = *self.door.lock().unwrap();
        let mut taken = self.broker.0.lock().unwrap();
        taken.requests += 1;
        match door {
            Door::Open => {
                taken.take(order);
                return Ok(());
            }
            Door::AnswerLost => taken.take(order),
            Door::Late => taken.late.push(order.clone()),
            Door::Shut => {}
            Door::Refuses => {
                return Err(SendError::Refused {
                    problem: "not this one".to_owned(),
                    of_message: true,
                });
            }
        }
        Err(SendError::Later {
            problem: "it broke".to_owned(),
            retry_after: None,
        })
    }
}

/// A clock that goes with tokio's, and may be wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    begin: Instant,
    off: i64,
}

impl Watch {
    pub(crate) fn off_by(milliseconds: i64) -> Self {
        Self {
            begin: Instant::now(),
            off: 1_700_000_000_000 + milliseconds,
        }
    }
}

impl Clock for Watch {
    fn now(&self) -> i64 {
        self.off + i64::try_from(self.begin.elapsed().as_millis()).unwrap()
    }
}

/// How long an attempt to send may take here.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(1);

/// An instance of the shop. Dropping it is a kill.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) carts: Arc<Carts<Memory, Watch>>,
    pub(crate) way: Way,
    outbox: Outbox<Memory, Watch, Way>,
}

impl Instance {
    pub(crate) fn start(store: &Memory, way: Way, watch: Watch) -> Self {
        let carts = Arc::new(Carts::new(store.clone(), watch, ATTEMPT));
        let outbox = Outbox::start(Arc::clone(&carts), way.clone(), 1000);
        Self { carts, way, outbox }
    }

    /// As a click's task does it; what the cart holds then of the first product.
    pub(crate) async fn click(&self, name: &RecordName, operation: &Operation) -> Option<u8> {
        let clicked = self.carts.click(name, operation, true).await.ok()?;
        if let Some(handover) = clicked.handover {
            self.outbox.hand_over(handover);
        }
        Some(clicked.record.cart.quantity(1))
    }

    pub(crate) fn pending(&self) -> usize {
        self.outbox.status().pending
    }
}
