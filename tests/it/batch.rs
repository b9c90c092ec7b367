//! Many messages in one invocation: what is uploaded, what shares whose fate, in what time, and
//! what the host is answered.

mod doubles;
mod odd;
mod splits;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use order_items_reserver::config::{FUNCTION_TIMEOUT, LOCK, MARGIN};
use order_items_reserver::fallback::FallbackError;
use order_items_reserver::http::{ROUTE, router};
use order_items_reserver::order::Delivery;
use order_items_reserver::reserve::{GivenBack, MAILS_AT_ONCE, Outcome, Reservation, Settlement};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::model::messages::{Message, at, in_partition};
use doubles::{Answers, Outside};

const STORED: End = Ok(Outcome::Stored);
const SUPERSEDED: End = Ok(Outcome::Superseded);
const MAILED: End = Ok(Outcome::HandedOver);

type End = Result<Outcome, GivenBack>;

fn ends(reservations: Vec<Reservation>) -> Vec<End> {
    let ends = reservations.into_iter().map(|it| match it.settlement {
        Settlement::Complete(outcome) => Ok(outcome),
        Settlement::Abandon(why) => Err(why),
    });
    ends.collect()
}

/// The session's cart of this number; they come a second apart.
fn cart(session: &str, number: u32) -> Message {
    let position = at(number.into(), i64::from(number));
    Message::new(session, number, Some(position))
}

/// No order.
fn poison(number: u32) -> Message {
    let mut message = cart("S", number);
    message.bytes = "no JSON".into();
    message
}

fn ids(messages: &[&Message]) -> Vec<String> {
    messages.iter().map(|message| message.id()).collect()
}

#[tokio::test]
async fn ten_updates_of_one_cart_are_one_upload() {
    for newest_first in [false, true] {
        let outside = Outside::new();
        let mut carts: Vec<_> = (1..=10).map(|number| cart("S", number)).collect();
        if newest_first {
            carts.reverse();
        }
        let reservations = outside.reserve(&carts, 1).await;
        for (message, reservation) in carts.iter().zip(reservations) {
            let expected = match message.rank {
                10 => (Outcome::Stored, 1),
                _ => (Outcome::Superseded, 0),
            };
            let Settlement::Complete(outcome) = reservation.settlement else {
                panic!("{reservation:?}");
            };
            assert_eq!((outcome, reservation.attempts), expected);
            assert_eq!(reservation.order.unwrap().body, message.bytes, "its own");
        }
        assert_eq!(outside.seen().puts, ["message-10"]);
        assert_eq!(outside.stored("S").unwrap(), cart("S", 10).bytes);
    }
}

/// What is stored is newer than all of them: one request tells.
#[tokio::test]
async fn a_batch_that_comes_again_uploads_nothing_twice() {
    let outside = Outside::new();
    let carts: Vec<_> = (1..=10).map(|number| cart("S", number)).collect();
    outside.reserve(&carts, 1).await;
    let again = ends(outside.reserve(&carts, 2).await);
    assert_eq!(again[..9], vec![SUPERSEDED; 9]);
    assert_eq!(again[9], STORED);
    let older = ends(outside.reserve(&carts[..5], 3).await);
    assert_eq!(older, vec![SUPERSEDED; 5]);
    assert_eq!(
        outside.seen().puts.len(),
        3,
        "one conditional request a batch"
    );
    assert_eq!(outside.stored("S").unwrap(), cart("S", 10).bytes);
}

#[tokio::test(start_paused = true)]
async fn sessions_run_beside_each_other_and_not_more_than_are_allowed() {
    for (allowed, rounds) in [(1, 24), (5, 5), (24, 1), (64, 1)] {
        let outside = Outside::new();
        outside.seen().uploads = Answers::After(Duration::from_secs(1));
        let carts: Vec<_> = (1..=24).map(|it| cart(&format!("S{it}"), it)).collect();
        let deliveries: Vec<_> = carts.iter().map(|one| one.delivery(1)).collect();
        let began = Instant::now();
        let reserver = outside.reserver(allowed);
        let reservations = reserver.reserve_all(&deliveries, |_, _| ()).await;
        assert_eq!(ends(reservations), vec![STORED; 24]);
        assert_eq!(outside.seen().at_once_max, allowed.min(24));
        assert_eq!(began.elapsed().as_secs(), rounds, "{allowed} at once");
    }
}

#[tokio::test(start_paused = true)]
async fn each_end_is_told_when_it_comes() {
    let outside = Outside::new();
    outside.seen().broken.insert("B".to_owned());
    let messages = [cart("A", 1), cart("B", 2), cart("A", 3), poison(4)];
    let deliveries: Vec<_> = messages.iter().map(|one| one.delivery(1)).collect();
    let told = Mutex::new(Vec::new());
    let ended = |delivery: &Delivery, reservation: &Reservation| {
        assert!(!reservation.is_given_back());
        told.lock()
            .unwrap()
            .push(delivery.message_id.clone().unwrap());
    };
    let reservations = outside.reserver(64).reserve_all(&deliveries, ended).await;
    assert_eq!(ends(reservations), [SUPERSEDED, MAILED, STORED, MAILED]);
    let told = told.into_inner().unwrap();
    assert_eq!(
        told[3], "message-2",
        "after its four attempts, and no other waited"
    );
    assert_eq!(told.len(), 4);
}

/// The mail has the newest; whoever reads it needs no older one.
#[tokio::test(start_paused = true)]
async fn what_is_older_than_a_mailed_order_is_superseded() {
    let outside = Outside::new();
    outside.seen().broken.insert("S".to_owned());
    let carts = [cart("S", 1), cart("S", 2), cart("S", 3)];
    let ends = ends(outside.reserve(&carts, 1).await);
    assert_eq!(ends, [SUPERSEDED, SUPERSEDED, MAILED]);
    assert_eq!(outside.seen().mails, ["message-3"]);
    assert_eq!(
        outside.seen().puts,
        vec!["message-3"; 4],
        "1 + 3, for the newest"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_superseded_by_what_nobody_has() {
    let outside = Outside::new();
    outside.seen().broken.insert("S".to_owned());
    outside.seen().workflow = Answers::Failure;
    let messages = [cart("S", 1), cart("S", 2), cart("other", 3), poison(4)];
    let ends = ends(outside.reserve(&messages, 1).await);
    let refused = || Err(GivenBack::Fallback(FallbackError::Refused(500)));
    let expected = [Err(GivenBack::NewerOpen), refused(), STORED, refused()];
    assert_eq!(ends, expected);
    assert_eq!(outside.seen().puts.len(), 5, "the other session is stored");
}

/// A person reads that it is unreadable; the file gets the newest cart that is one.
#[tokio::test]
async fn an_unreadable_order_supersedes_nothing() {
    let outside = Outside::new();
    let messages = [cart("S", 1), poison(2)];
    assert_eq!(ends(outside.reserve(&messages, 1).await), [STORED, MAILED]);
    assert_eq!(outside.stored("S").unwrap(), messages[0].bytes);
    assert_eq!(outside.seen().mails, ["message-2"]);
}

/// Each of them meets the file, in the order in which they came, as one message after the other.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_compared_goes_through_the_guard_each() {
    let in_ninth =
        |rank, number, second| Message::new("S", rank, Some(at(in_partition(9, number), second)));
    let unplaced = |rank| Message::new("S", rank, None);
    let cases = [
        // Two partitions within two seconds.
        (vec![cart("S", 1), in_ninth(2, 1, 2)], vec![STORED, MAILED]),
        (vec![in_ninth(1, 1, 2), cart("S", 2)], vec![STORED, MAILED]),
        // The one in between met the older one.
        (
            vec![cart("S", 1), in_ninth(2, 1, 2), cart("S", 3)],
            vec![STORED, MAILED, STORED],
        ),
        // Clearly later: both are stored, one after the other.
        (vec![cart("S", 1), in_ninth(2, 1, 9)], vec![STORED, STORED]),
        (
            vec![in_ninth(2, 1, 9), cart("S", 1)],
            vec![STORED, SUPERSEDED],
        ),
        // A clock that steps back.
        (
            vec![cart("S", 5), Message::new("S", 6, Some(at(6, 4)))],
            vec![STORED, STORED],
        ),
        // The queue was created anew.
        (
            vec![cart("S", 5), Message::new("S", 6, Some(at(1, 90)))],
            vec![STORED, STORED],
        ),
        // One place, two messages; and no place.
        (
            vec![cart("S", 1), Message::new("S", 2, Some(at(1, 1)))],
            vec![STORED, MAILED],
        ),
        (vec![cart("S", 1), unplaced(2)], vec![STORED, MAILED]),
        (vec![unplaced(1), unplaced(2)], vec![STORED, STORED]),
    ];
    for (messages, expected) in cases {
        let outside = Outside::new();
        let ends = ends(outside.reserve(&messages, 1).await);
        assert_eq!(ends, expected, "{messages:?}");
        let all: Vec<_> = messages.iter().collect();
        let mut tried = outside.seen().puts.clone();
        tried.dedup();
        tried.retain(|id| ids(&all).contains(id));
        assert!(tried.len() >= expected.iter().filter(|it| **it == STORED).count());
    }
}

#[tokio::test(start_paused = true)]
async fn mails_are_bounded_and_all_go_out() {
    let outside = Outside::new();
    outside.seen().uploads = Answers::Failure;
    outside.seen().workflow = Answers::After(Duration::from_secs(2));
    let carts: Vec<_> = (1..=64).map(|it| cart(&format!("S{it}"), it)).collect();
    assert_eq!(ends(outside.reserve(&carts, 1).await), vec![MAILED; 64]);
    assert_eq!(outside.seen().mails_at_once_max, MAILS_AT_ONCE);
    assert_eq!(outside.seen().mails.len(), 64);
}

/// The host completes or gives back all; the wait is that of the message that came most often.
#[tokio::test(start_paused = true)]
async fn a_batch_waits_once_before_it_is_given_back() {
    let outside = Outside::new();
    outside.seen().broken.extend(["A", "B"].map(str::to_owned));
    outside.seen().workflow = Answers::Failure;
    let messages = [(cart("A", 1), 2), (cart("B", 2), 4), (cart("C", 3), 9)];
    let deliveries = messages.map(|(message, count)| message.delivery(count));
    let began = Instant::now();
    let reserver = outside.reserver(64);
    let told = Mutex::new(began);
    let ended = |_: &Delivery, _: &Reservation| *told.lock().unwrap() = Instant::now();
    let reservations = reserver.reserve_all(&deliveries, ended).await;
    assert_eq!(ends(reservations)[2], STORED, "which waits for nobody");
    let waited = told.into_inner().unwrap().elapsed().as_secs();
    assert_eq!(
        waited, 8,
        "the fourth delivery's, and neither the sum nor C's"
    );
}

/// Everything hangs, for as long as it may.
#[tokio::test(start_paused = true)]
async fn a_batch_ends_before_its_locks_do() {
    for sessions in [1, 8, 64] {
        let outside = Outside::new();
        outside.seen().uploads = Answers::Never;
        outside.seen().workflow = Answers::Never;
        // Sixty-four sessions, and of each a second cart that cannot be compared with the first.
        let message = |number: u32| {
            let partition = u16::try_from(number / 64).unwrap();
            let place = at(in_partition(partition, 7), 1);
            Message::new(&format!("S{}", number % 64), number, Some(place))
        };
        let deliveries: Vec<_> = (0..128).map(|number| message(number).delivery(9)).collect();
        let began = Instant::now();
        let reserver = outside.reserver(sessions);
        let ends = ends(reserver.reserve_all(&deliveries, |_, _| ()).await);
        let took = began.elapsed();
        assert!(
            took + MARGIN <= FUNCTION_TIMEOUT && took + MARGIN <= LOCK,
            "{took:?}"
        );
        assert!(
            took > Duration::from_secs(100 + 60),
            "who began was not cut off"
        );
        let (puts, tried) = {
            let puts = outside.seen().puts.clone();
            (puts.len(), puts.into_iter().collect::<HashSet<_>>().len())
        };
        assert_eq!(puts, 4 * tried, "1 + 3 each");
        // A session goes on beside its mail, and what has a last chance to begin after 85 s depends
        // on the waits between attempts.
        assert!((2 * sessions..=3 * sessions).contains(&tried), "{tried}");
        let mailed = ends
            .iter()
            .filter(|it| **it != Err(GivenBack::OutOfTime))
            .count();
        let two_rounds = 2 * MAILS_AT_ONCE;
        assert_eq!(mailed, tried.min(two_rounds), "mailed, without an answer");
    }
}

/// Slow is not too slow: the queue of sessions goes on while there is time for a whole order.
#[tokio::test(start_paused = true)]
async fn sessions_begin_while_there_is_time() {
    let outside = Outside::new();
    outside.seen().uploads = Answers::After(Duration::from_secs(9));
    let carts: Vec<_> = (1..=12).map(|it| cart(&format!("S{it}"), it)).collect();
    let deliveries: Vec<_> = carts.iter().map(|one| one.delivery(1)).collect();
    let reserver = outside.reserver(1);
    let ends = ends(reserver.reserve_all(&deliveries, |_, _| ()).await);
    // 285 s less 100 of fallback and 100 of uploads: 85 s, in which ten begin.
    let expected: Vec<End> = [STORED; 10]
        .into_iter()
        .chain(std::iter::repeat_n(Err(GivenBack::OutOfTime), 2))
        .collect();
    assert_eq!(ends, expected);
}

fn request(messages: &[Message]) -> Vec<u8> {
    redelivered(messages, 1)
}

fn redelivered(messages: &[Message], count: u32) -> Vec<u8> {
    let column = |value: &dyn Fn(&Message) -> Value| {
        let values: Vec<Value> = messages.iter().map(value).collect();
        Value::from(values).to_string()
    };
    let metadata = json!({
        "MessageIdArray": column(&|it| json!(it.id())),
        "SequenceNumberArray": column(&|it| json!(it.position.unwrap().sequence.0)),
        "EnqueuedTimeUtcArray": column(&|it| json!(it.position.unwrap().enqueued.to_string())),
        "DeliveryCountArray": column(&|_| json!(count)),
        "SessionIdArray": column(&|it| json!(it.session.as_str())),
    });
    let bodies = column(&|it| json!(STANDARD.encode(&it.bytes)));
    json!({"Data": {"order": bodies}, "Metadata": metadata})
        .to_string()
        .into_bytes()
}

async fn asked(outside: &Outside, request: Vec<u8>) -> (u16, String) {
    let router = router(outside.reserver(64));
    let request = Request::post(ROUTE).body(Body::from(request)).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_host_is_told_of_each_order_or_to_give_back_all() {
    let outside = Outside::new();
    outside.seen().broken.insert("B".to_owned());
    let messages = [cart("A", 1), cart("B", 2), cart("A", 3), poison(4)];
    let (status, body) = asked(&outside, request(&messages)).await;
    let expected = r##"{"Outputs":{},"Logs":["#1 A.json superseded by a newer order of its batch, upload attempts: 0","#3 A.json stored, upload attempts: 1"],"ReturnValue":null}"##;
    assert_eq!((status, body.as_str()), (200, expected));
    outside.seen().workflow = Answers::Failure;
    let (status, body) = asked(&outside, request(&messages)).await;
    let expected = r#"{"error":"neither storage nor fallback took 2 of 4 orders, so the whole batch is given back"}"#;
    assert_eq!((status, body.as_str()), (500, expected));
}
