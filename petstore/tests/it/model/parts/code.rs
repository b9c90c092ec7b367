//! The real code of one task, run through one past.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use petstore::cart::Step;
use petstore::carts::{ClickError, Handover};
use petstore::outbox::Delivery;
use petstore::record::{Claimed, ClickRefused, Done, Operation, Record};
use petstore::store::{Expected, StoredRecord, Version, WriteReply};
use serde_json::Value;

use super::super::instances::{CLAIM_OVER_MS, ModelCarts};
use super::super::setup::{Click, Told};
use super::super::world::{NAME, Reply, Request, Shared};
use super::{Asks, Ends, Heard, Held, Now, Parts, Sent, Start};

/// How long a claim lasts, by the time limit of an attempt that the model has.
const CLAIM_MS: i64 = 4_000;

impl Parts {
    /// Runs the real code through a past, by itself; what it does then.
    pub(super) fn run(
        &mut self,
        start: Start,
        (instance, life): (usize, u8),
        began: u8,
        past: &[(Heard, u8)],
    ) -> Now {
        let carts = Arc::clone(&self.carts[instance][usize::from(life)]);
        let handover = match start {
            Start::Delivery(held) => Some(self.handover(&carts, held.expect("it begins with it"))),
            _ => None,
        };
        let mut ids = Ids::default();
        let click = match start {
            Start::Click(number) => Some((number, self.clicks[number].1)),
            _ => None,
        };
        let shared = self.shared.clone();
        let work = work(&carts, &shared, start, click, handover);
        let mut work = pin!(work);
        self.at(began);
        let mut context = Context::from_waker(Waker::noop());
        let mut ended = work.as_mut().poll(&mut context);
        for (heard, now) in past {
            self.at(*now);
            let asked = self.shared.world().asked.remove(&0).expect("it asked");
            if let (Request::Write { bytes, .. }, Some((number, _))) = (&asked, click) {
                ids.learn(bytes, number);
            }
            let reply = self.reply(*heard, &ids);
            self.shared.world().replies.insert(0, reply);
            ended = work.as_mut().poll(&mut context);
        }
        let asked = self.shared.world().asked.remove(&0);
        self.shared.world().replies.clear();
        match (ended, asked) {
            (Poll::Ready(end), None) => Now::Ends(match end {
                Ended::Click(told, hands_over) => {
                    Ends::Click(told, hands_over.then(|| last_held(past)))
                }
                Ended::Delivered => Ends::Delivered,
            }),
            (Poll::Pending, Some(asked)) => {
                if let (Request::Write { bytes, .. }, Some((number, _))) = (&asked, click) {
                    ids.learn(bytes, number);
                }
                Now::Asks(self.asks(&asked, &ids))
            }
            other => panic!("{other:?}"),
        }
    }

    fn at(&self, now: u8) {
        self.shared.world().kept.now = i64::from(now) * CLAIM_OVER_MS;
    }

    /// As a click has it that wrote that version and made that mark: by claiming anew, at the same
    /// moment, what it claimed.
    fn handover(&self, carts: &ModelCarts, held: Held) -> Handover {
        let content = self.content_of(held.version) as usize;
        let bytes = self.contents.1[content].clone();
        let until = self.records[content].owner().expect("an owner").until;
        self.shared.world().kept.now = 0;
        let ahead = carts.now();
        self.shared.world().kept.now = until - CLAIM_MS - ahead;
        let version = version_of(held.version);
        let mut handover = Handover::unread(NAME, Some(version_of(held.mark)));
        let claimed = {
            let mut claim = pin!(carts.claim(&mut handover, false));
            let mut context = Context::from_waker(Waker::noop());
            let stored = StoredRecord {
                bytes: bytes.clone(),
                version: version.clone(),
            };
            let written = WriteReply::Written(version);
            for reply in [Reply::Read(Some(stored)), Reply::Write(written)] {
                assert!(claim.as_mut().poll(&mut context).is_pending());
                let asked = self.shared.world().asked.remove(&0);
                if let Some(Request::Write { bytes: written, .. }) = asked {
                    assert_eq!(written, bytes, "the same claim");
                }
                self.shared.world().replies.insert(0, reply);
            }
            claim.as_mut().poll(&mut context)
        };
        match claimed {
            Poll::Ready(Ok(Claimed::Ours)) => handover,
            other => panic!("{other:?}"),
        }
    }

    fn reply(&self, heard: Heard, ids: &Ids) -> Reply {
        match heard {
            Heard::Read(read) => Reply::Read(read.map(|version| {
                let content = self.content_of(version) as usize;
                StoredRecord {
                    bytes: ids.to_task(&self.contents.1[content]),
                    version: version_of(version),
                }
            })),
            Heard::Written(version) => Reply::Write(WriteReply::Written(version_of(version))),
            Heard::Refused => Reply::Write(WriteReply::Refused),
            Heard::Marked(mark) => Reply::Mark(version_of(mark)),
            Heard::Unmarked(gone) => Reply::Unmark(gone),
            Heard::Sent => Reply::Sent,
            Heard::Nothing { at_once } => Reply::None { at_once },
            Heard::Turn => Reply::Turn,
        }
    }

    fn asks(&mut self, asked: &Request, ids: &Ids) -> Asks {
        match asked {
            Request::Read => Asks::Read,
            Request::Write { bytes, expected } => {
                let bytes = ids.to_model(bytes);
                let content = self.contents.of(bytes.clone());
                if self.records.len() < self.contents.1.len() {
                    self.records
                        .push(Record::from_bytes(&bytes).expect("a record"));
                }
                let expected = match expected {
                    Expected::Absent => None,
                    Expected::Version(version) => Some(number_of(version)),
                };
                Asks::Write { content, expected }
            }
            Request::Mark => Asks::Mark,
            Request::Unmark(mark) => Asks::Unmark(number_of(mark)),
            Request::Marks => panic!("a sweep is one choice"),
            Request::Send {
                message,
                session,
                order,
            } => Asks::Send(self.sends.of(Sent {
                click: click_of(message),
                session: session.clone(),
                order: order.clone(),
            })),
            Request::Turn => Asks::Turn,
        }
    }
}

enum Ended {
    Click(Option<Told>, bool),
    Delivered,
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ended")
    }
}

async fn work(
    carts: &ModelCarts,
    shared: &Shared,
    start: Start,
    click: Option<(usize, Click)>,
    handover: Option<Handover>,
) -> Ended {
    let delivery = match start {
        Start::Click(_) => {
            let (_, click) = click.expect("a click");
            return clicked(carts, click).await;
        }
        Start::Delivery(_) => Delivery::of_click(handover.expect("a handover")),
        // A mark too many goes after a while at the earliest; here it goes at once.
        Start::OfMark(mark) => Delivery::of_mark(NAME, version_of(mark), true),
        Start::Anew => Delivery::anew(NAME),
    };
    let mut delivery = delivery;
    while delivery.run(carts, shared).await.is_err() {
        shared.turn().await;
    }
    Ended::Delivered
}

async fn clicked(carts: &ModelCarts, click: Click) -> Ended {
    let operation = match click {
        Click::Add(product) => Operation::Step {
            step: Step::Add,
            product,
        },
        Click::Place => match carts.show(&NAME).await {
            Ok(Some(page)) => Operation::Place {
                session: page.session.clone(),
                revision: page.revision,
                email: None,
            },
            // There is no page with such a button.
            Ok(None) => return Ended::Click(Some(Told::Refused), false),
            Err(_) => return Ended::Click(None, false),
        },
    };
    match carts.click(&NAME, &operation, true).await {
        Ok(clicked) => {
            let told = match clicked.done {
                Done::Changed | Done::ByEarlierTry => Told::Done,
                Done::Nothing | Done::PlacedBefore => Told::Refused,
            };
            Ended::Click(Some(told), clicked.handover.is_some())
        }
        Err(ClickError::Refused(
            ClickRefused::Step(_)
            | ClickRefused::EarlierOrder
            | ClickRefused::CartChanged
            | ClickRefused::TooManyOrders,
        )) => Ended::Click(Some(Told::Refused), false),
        Err(_) => Ended::Click(None, false),
    }
}

/// What a click holds in the end: what it heard last.
fn last_held(past: &[(Heard, u8)]) -> Held {
    let version = past.iter().rev().find_map(|(heard, _)| match heard {
        Heard::Written(version) | Heard::Read(Some(version)) => Some(*version),
        _ => None,
    });
    let mark = past.iter().rev().find_map(|(heard, _)| match heard {
        Heard::Marked(mark) => Some(*mark),
        _ => None,
    });
    Held {
        version: version.expect("it read or wrote"),
        mark: mark.expect("it made a mark"),
    }
}

fn version_of(number: u32) -> Version {
    Version::of_etag(&number.to_string())
}

fn number_of(version: &Version) -> u32 {
    version.etag().trim_matches('"').parse().expect("a number")
}

/// The ids that a click brings are new in each run of it, and the same in the model.
#[derive(Default)]
struct Ids(Vec<(String, String)>);

impl Ids {
    fn learn(&mut self, bytes: &[u8], click: usize) {
        let value: Value = serde_json::from_slice(bytes).expect("JSON");
        let record = Record::from_bytes(bytes).expect("a record");
        let clicks = value.pointer("/record/clicks").and_then(Value::as_array);
        for id in clicks.expect("clicks") {
            self.own(id.as_str().expect("text"), format!("{MODEL}c{click:015}"));
        }
        for owed in record.owed() {
            self.own(&owed.message, format!("{MODEL}e{click:015}"));
            self.own(&owed.traceparent, format!("{MODEL}f{click:015}"));
        }
        if record.session != NAME.first_session() {
            self.own(record.session.as_str(), format!("{MODEL}5{click:015}"));
        }
    }

    fn own(&mut self, id: &str, called: String) {
        if !id.starts_with(MODEL) && !self.0.iter().any(|(known, _)| known == id) {
            self.0.push((id.to_owned(), called));
        }
    }

    fn to_model(&self, bytes: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (id, called) in &self.0 {
            text = text.replace(id, called);
        }
        text.into_bytes()
    }

    fn to_task(&self, bytes: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (id, called) in &self.0 {
            text = text.replace(called, id);
        }
        text.into_bytes()
    }
}

/// What the model's ids begin with.
const MODEL: &str = "0000000000000000";

/// Which click made a message.
pub(in super::super) fn click_of(message: &str) -> usize {
    let number = message
        .strip_prefix(MODEL)
        .and_then(|rest| rest.strip_prefix('e'));
    number
        .and_then(|it| it.parse().ok())
        .expect("a message of the model")
}
