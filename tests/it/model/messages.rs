//! Messages whose true order is known to the test, and to nobody else.

use bytes::Bytes;
use order_items_reserver::order::{Delivery, EnqueuedTime, Position, SequenceNumber, SessionId};
use order_items_reserver::store::Origin;
use order_items_reserver::store::blob::{Condition, PutReply};

use super::storage::{Content, Event, Storage, Upload, origin};

/// One published cart, or a file that somebody saved by hand. `rank` is the order in which they
/// were published and saved: the truth that the product has to find out from numbers and times.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) rank: u32,
    pub(crate) session: SessionId,
    pub(crate) position: Option<Position>,
    pub(crate) bytes: Bytes,
    by_hand: bool,
}

/// Seconds after an arbitrary day.
pub(crate) fn second(seconds: i64) -> EnqueuedTime {
    let day = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    (day + time::Duration::seconds(seconds)).into()
}

/// A place in a queue: number, and time.
pub(crate) fn at(sequence: u64, seconds: i64) -> Position {
    Position {
        sequence: SequenceNumber(sequence),
        enqueued: second(seconds),
    }
}

/// A number of this partition.
pub(crate) fn in_partition(partition: u16, number: u64) -> u64 {
    (u64::from(partition) << 48) | number
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
            by_hand: false,
        }
    }

    /// A file that is no message.
    pub(crate) fn by_hand(session: &str, rank: u32) -> Self {
        Self {
            by_hand: true,
            ..Self::new(session, rank, None)
        }
    }

    /// The publisher's, and nobody else's.
    pub(crate) fn id(&self) -> String {
        format!("message-{}", self.rank)
    }

    pub(crate) fn delivery(&self, count: u32) -> Delivery {
        Delivery {
            body: self.bytes.clone(),
            message_id: Some(self.id()),
            session_id: Some(self.session.as_str().to_owned()),
            sequence_number: self.position.map(|position| position.sequence),
            enqueued: self.position.map(|position| position.enqueued),
            delivery_count: Some(count),
            trace: None,
        }
    }

    pub(crate) fn content(&self) -> Content {
        Content {
            bytes: self.bytes.clone(),
            origin: match self.by_hand {
                true => Origin::Foreign,
                false => origin(self.position, Some(&self.id())),
            },
        }
    }
}

/// Something that must never happen: the invariant, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) &'static str, pub(crate) String);

/// S2 and S3 over all that ever happened to a session's blob: each write is one of the `published`,
/// byte for byte beside its own place, and none is older than what it overwrote.
///
/// Two messages without a place know no order among themselves; but none of them overwrites what
/// has a place, nor a file saved by hand. And a deletion lets anything in.
pub(crate) fn check_history(
    storage: &Storage,
    session: &SessionId,
    published: &[Message],
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut violated = |invariant, what| violations.push(Violation(invariant, what));
    let mut newest: Option<(u32, bool)> = None;
    for event in storage.history(session) {
        let content = match event {
            Event::Written(content) => content,
            Event::Deleted => {
                newest = None;
                continue;
            }
        };
        let mut of_session = published.iter().filter(|one| one.session == *session);
        let Some(message) = of_session.find(|one| one.content() == *content) else {
            violated("S3", format!("{content:?} was never published like this"));
            continue;
        };
        let unplaced = content.origin == Origin::Unplaced;
        let mut rank = message.rank;
        match newest {
            Some((older, true)) if unplaced => rank = rank.max(older),
            Some((before, was_unplaced)) if rank < before || unplaced && !was_unplaced => {
                violated("S2", format!("{rank} overwrote {before} in {session}"));
            }
            _ => {}
        }
        newest = Some((rank, unplaced));
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
        content: message.content(),
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

/// What is written is judged by rank, and by who has a place.
#[test]
fn the_judge_of_histories_knows_who_may_follow_whom() {
    let older = Message::new("s", 1, Some(at(1, 0)));
    let newer = Message::new("s", 4, Some(at(4, 3)));
    let (bare, barer) = (Message::new("s", 2, None), Message::new("s", 3, None));
    let by_hand = Message::by_hand("s", 3);
    let all = [&older, &newer, &bare, &barer, &by_hand].map(Clone::clone);
    let found = |written: &[Option<&Message>]| {
        let mut storage = Storage::new();
        for message in written {
            match message {
                Some(message) => drop(storage.overwrite(&message.session, message.content())),
                None => storage.delete(&older.session),
            }
        }
        let found = check_history(&storage, &older.session, &all);
        found.into_iter().map(|it| it.0).collect::<Vec<_>>()
    };
    let [older, newer, bare, barer, by_hand] = [&older, &newer, &bare, &barer, &by_hand].map(Some);
    assert_eq!(found(&[older, by_hand, newer]), [""; 0]);
    assert_eq!(found(&[barer, bare, newer]), [""; 0]);
    assert_eq!(found(&[newer, None, older]), [""; 0]);
    assert_eq!(found(&[newer, older]), ["S2"]);
    assert_eq!(found(&[by_hand, older]), ["S2"]);
    assert_eq!(found(&[older, bare]), ["S2"], "without a place over one");
    assert_eq!(
        found(&[by_hand, barer]),
        ["S2"],
        "nor over a file saved by hand"
    );
    assert_eq!(found(&[barer, bare, older]), ["S2"]);
}
