//! Messages whose true order is known to the test, and to nobody else.

use bytes::Bytes;
use order_items_reserver::order::{Delivery, Position, SequenceNumber, SessionId};
use order_items_reserver::store::blob::{Condition, PutReply};

use super::storage::{Content, Storage, Upload};

/// One published cart. `rank` is the order of publication: the truth that the product has to find
/// out from numbers and times.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) rank: u32,
    pub(crate) session: SessionId,
    pub(crate) position: Option<Position>,
    pub(crate) bytes: Bytes,
}

/// A place in a queue: number, and seconds after an arbitrary day.
pub(crate) fn at(sequence: u64, seconds: i64) -> Position {
    let day = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    Position {
        sequence: SequenceNumber(sequence),
        enqueued: (day + time::Duration::seconds(seconds)).into(),
    }
}

impl Message {
    pub(crate) fn new(session: &str, rank: u32, position: Option<Position>) -> Self {
        let body = format!(
            r#"{{"id":"{session}","products":[{{"id":{rank},"quantity":1}}],"note":"ünïcode, {rank}"}}"#
        );
        Self {
            rank,
            session: SessionId::new(session).unwrap(),
            position,
            bytes: body.into(),
        }
    }

    pub(crate) fn delivery(&self, count: u32) -> Delivery {
        Delivery {
            body: self.bytes.clone(),
            message_id: Some(format!("message-{}", self.rank)),
            session_id: Some(self.session.as_str().to_owned()),
            sequence_number: self.position.map(|position| position.sequence),
            enqueued: self.position.map(|position| position.enqueued),
            delivery_count: Some(count),
            traceparent: None,
        }
    }

    pub(crate) fn content(&self) -> Content {
        Content {
            bytes: self.bytes.clone(),
            position: self.position,
        }
    }
}

/// Something that must never happen: the invariant, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) &'static str, pub(crate) String);

/// S2 and S3 over all that was ever written to a session's blob: each write is one of the
/// `published` messages, byte for byte beside its own position, and none is older than what it
/// overwrote. A message without a number knows no order: it overwrites whatever it finds, and after it
/// counting starts anew.
pub(crate) fn check_history(
    storage: &Storage,
    session: &SessionId,
    published: &[Message],
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut newest: Option<u32> = None;
    for content in storage.history(session) {
        let Some(message) = published
            .iter()
            .find(|message| message.session == *session && message.content() == *content)
        else {
            let what = format!("{content:?} was never published like this");
            violations.push(Violation("S3", what));
            continue;
        };
        let numbered = message.position.is_some();
        if numbered && newest.is_some_and(|newest| message.rank < newest) {
            let what = format!("{} overwrote {newest:?} in {session}", message.rank);
            violations.push(Violation("S2", what));
        }
        newest = numbered.then_some(message.rank);
    }
    violations
}

/// The model is honest: it keeps the conditions that Azure documents.
#[test]
fn the_model_storage_heeds_conditions() {
    let (first, second) = (
        Message::new("s", 1, Some(at(1, 0))),
        Message::new("s", 2, Some(at(2, 1))),
    );
    let upload = |message: &Message, condition| Upload {
        session: message.session.clone(),
        bytes: message.bytes.clone(),
        position: message.position,
        condition,
    };
    let mut storage = Storage::new();
    storage.has_container = false;
    let create = upload(&first, Condition::Absent);
    assert_eq!(storage.put(&create), PutReply::NoContainer);
    storage.has_container = true;
    let PutReply::Written(Some(etag)) = storage.put(&create) else {
        panic!("refused to create");
    };
    assert_eq!(storage.put(&create), PutReply::Conflict);
    let update = upload(&second, Condition::Version(etag.clone()));
    assert!(matches!(storage.put(&update), PutReply::Written(Some(new)) if new != etag));
    assert_eq!(storage.put(&update), PutReply::Conflict);
    storage.delete(&second.session);
    assert_eq!(storage.put(&update), PutReply::Conflict);
    assert_eq!(storage.head(&second.session), None);
    assert!(check_history(&storage, &first.session, &[first.clone(), second]).is_empty());
    assert_eq!(
        check_history(&storage, &first.session, std::slice::from_ref(&first))[0].0,
        "S3"
    );
}
