//! The queue on the wire: locks that last, locks that are lost, and every kind of refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use order_items_ops::bus::BusError;
use order_items_ops::letter::{Letter, Lock};
use order_items_ops::walk::{Filter, Stop, Walk, WalkEnd};
use reqwest::header::{HeaderMap, HeaderName};
use testkit::net::nobody;
use testkit::scripted::Step;

use crate::scripted::{answered, asked, bus, empty, letter, locked, queue, redrive, status};

/// The connection ends without an answer.
fn lost() -> Vec<Step> {
    vec![Step::Close]
}

const PLACE: &str = "/order-items/$deadletterqueue/messages/7/t1";

#[tokio::test]
async fn a_lock_is_renewed_for_as_long_as_the_reservation_takes() {
    let queue = queue(|number, request| match number {
        0 => locked(""),
        _ if request.contains("messages/head") => empty(),
        _ => status("200 OK"),
    })
    .await;
    let queue = Arc::new(queue);
    let watched = Arc::clone(&queue);
    let renewed = move || {
        let asked = asked(&watched);
        asked.iter().filter(|it| it.ends_with("/t1")).count() >= 2
    };
    let (tally, puts, _) = redrive(&bus(queue.address), renewed).await;
    assert_eq!((tally.stored, tally.left, puts), (1, 0, 1));
    let asked = asked(&queue);
    let expected = ["POST", "POST", "DELETE"].map(|method| format!("{method} {PLACE}"));
    assert_eq!(asked[1..4], expected);
}

#[tokio::test]
async fn when_the_lock_is_lost_nothing_is_deleted() {
    for lost in ["404 Not Found", "410 Gone"] {
        let queue = queue(move |number, request| match number {
            0 => locked(""),
            _ if request.contains("messages/head") => empty(),
            _ => status(lost),
        })
        .await;
        let queue = Arc::new(queue);
        let watched = Arc::clone(&queue);
        // Long enough after it was asked for that the answer is in: all of this is one thread.
        let looks = AtomicUsize::new(0);
        let renewed =
            move || asked(&watched).len() > 1 && looks.fetch_add(1, Ordering::Relaxed) == 200;
        let (tally, _, progress) = redrive(&bus(queue.address), renewed).await;
        assert_eq!((tally.stored, tally.left), (0, 1));
        assert!(
            progress.contains("LEFT: stored, but not deleted: the lock was lost"),
            "{progress}"
        );
        let asked = asked(&queue);
        assert!(
            !asked.iter().any(|it| it.starts_with("DELETE")),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_fails_leaves_the_letter_and_says_so() {
    let queue = queue(|number, request| match number {
        0 => locked(""),
        _ if request.contains("messages/head") => empty(),
        _ if request.starts_with("DELETE") => status("500 Oh"),
        _ => status("200 OK"),
    })
    .await;
    let (tally, _, progress) = redrive(&bus(queue.address), || true).await;
    assert_eq!((tally.left, tally.is_clean()), (1, false));
    assert!(
        progress.contains("stored, but not known to be deleted: the queue is busy or down (500)"),
        "{progress}"
    );
    let asked = asked(&queue);
    let deletes = asked.iter().filter(|it| it.starts_with("DELETE")).count();
    assert_eq!(deletes, 4, "bounded");
    assert_eq!(asked.last(), Some(&format!("PUT {PLACE}")), "given back");
}

#[tokio::test]
async fn a_deletion_that_nobody_confirmed_is_not_called_a_failure_nor_done() {
    for gone in ["404 Not Found", "410 Gone"] {
        let deletes = AtomicUsize::new(0);
        let queue = queue(move |number, request| match number {
            0 => locked(""),
            _ if request.contains("messages/head") => empty(),
            _ if !request.starts_with("DELETE") => status("200 OK"),
            _ => match deletes.fetch_add(1, Ordering::Relaxed) {
                0 => lost(),
                _ => status(gone),
            },
        })
        .await;
        let (tally, puts, progress) = redrive(&bus(queue.address), || true).await;
        assert_eq!((tally.unconfirmed, tally.stored, tally.left), (1, 0, 0));
        assert_eq!((tally.taken(), tally.is_clean(), puts), (1, false, 1));
        assert!(
            progress.contains("S  stored; the deletion was not confirmed"),
            "{progress}"
        );
        assert_eq!(
            tally.to_string(),
            "1 dead letter: 0 stored, 0 superseded, 0 handed over, 0 left, \
             1 settled but perhaps not deleted; run again to see"
        );
        let asked = asked(&queue);
        let settled = [&asked[1], &asked[2]];
        assert_eq!(settled, [&format!("DELETE {PLACE}"); 2]);
        assert!(!asked.iter().any(|it| it.starts_with("PUT")), "{asked:?}");
    }
}

#[tokio::test]
async fn only_a_deletion_that_may_have_been_carried_out_is_unconfirmed() {
    for (method, first, expected) in [
        ("DELETE", lost(), BusError::PerhapsDeleted),
        ("DELETE", status("500 Oh"), BusError::PerhapsDeleted),
        (
            "DELETE",
            status("429 Too Many Requests"),
            BusError::LockLost,
        ),
        ("DELETE", status("404 Not Found"), BusError::LockLost),
        // It takes nothing away.
        ("POST", lost(), BusError::LockLost),
        ("PUT", lost(), BusError::LockLost),
    ] {
        let queue = queue(move |number, _| match number {
            0 => first.clone(),
            _ => status("404 Not Found"),
        })
        .await;
        let (headers, body) = letter("");
        let (_, lock) = read(&headers, &body);
        let bus = bus(queue.address);
        let settled = match method {
            "DELETE" => bus.delete(&lock).await,
            "POST" => bus.renew(&lock).await,
            _ => bus.unlock(&lock).await,
        };
        assert_eq!(settled, Err(expected), "{method}");
    }
}

#[tokio::test]
async fn a_letter_whose_place_is_uncertain_is_not_even_tried() {
    for (properties, said) in [
        (r#""State":"Active""#, "does not say when it was enqueued"),
        (
            r#""EnqueuedTimeUtc":"2026-05-04T09:30:17Z""#,
            "does not say when it was enqueued",
        ),
        (
            r#""EnqueuedTimeUtc":"Mon, 04 May 2026 09:30:17 GMT","EnqueuedSequenceNumber":3"#,
            "forwarded here and numbered anew (EnqueuedSequenceNumber 3)",
        ),
    ] {
        let queue = queue(move |number, request| match number {
            0 => locked(properties),
            _ if request.contains("messages/head") => empty(),
            _ => status("200 OK"),
        })
        .await;
        let (tally, puts, progress) = redrive(&bus(queue.address), || true).await;
        assert_eq!((tally.left, puts), (1, 0));
        assert!(progress.contains(said), "{progress}");
    }
}

#[tokio::test]
async fn our_token_goes_to_our_namespace_and_to_no_other_host() {
    for (location, expected) in [
        (
            "https://elsewhere.example/order-items/messages/7/t1".to_owned(),
            PLACE,
        ),
        (
            "http://{address}/order-items/messages/9/t9".to_owned(),
            "/order-items/messages/9/t9",
        ),
        ("not a url".to_owned(), PLACE),
    ] {
        let nobody = nobody();
        let location = location.replace("{address}", &nobody.address.to_string());
        let bus = bus(nobody.address);
        let (headers, body) = letter("");
        let (_, lock) = read(&format!("{headers}location: {location}\r\n"), &body);
        assert_eq!(bus.lock_url(&lock).path(), expected);
        assert_eq!(bus.lock_url(&lock).host_str(), Some("127.0.0.1"));
    }
}

fn read(headers: &str, body: &str) -> (Letter, Lock) {
    let mut map = HeaderMap::new();
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let name = HeaderName::try_from(name).unwrap();
        map.insert(name, value.parse().unwrap());
    }
    Letter::read(&map, body.to_owned().into()).unwrap()
}

#[tokio::test]
async fn what_passes_is_tried_four_times_and_what_does_not_once() {
    for (line, tries, said) in [
        // Once more with a new token.
        ("401 Unauthorized", 2, "does not accept our token (401)"),
        (
            "403 Forbidden",
            1,
            "the role Azure Service Bus Data Receiver",
        ),
        ("404 Not Found", 1, "there is no queue `order-items`"),
        ("410 Gone", 1, "there is no queue `order-items`"),
        ("400 Bad Request", 1, "the queue answered 400"),
        ("302 Found", 1, "the queue answered 302"),
        (
            "429 Too Many\r\nretry-after: 0\r\n",
            4,
            "busy or down (429)",
        ),
        ("503 Unavailable", 4, "busy or down (503)"),
    ] {
        let (line, headers) = line.split_once("\r\n").unwrap_or((line, ""));
        let detail = "<Detail>why\u{1b}\n it is</Detail>";
        let queue = queue(move |_, _| answered(line, headers, detail)).await;
        let error = bus(queue.address)
            .receive(Duration::ZERO)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(
            error
                .to_string()
                .ends_with("it says: <Detail>why\\u{1b} it is</Detail>"),
            "{error}"
        );
        assert_eq!(asked(&queue).len(), tries, "{line}");
    }
}

#[tokio::test]
async fn a_busy_queue_is_waited_for() {
    let queue = queue(|number, _| match number {
        0 => answered("503 Unavailable", "retry-after: 0\r\n", ""),
        1 => status("429 Too Many Requests"),
        _ => locked(""),
    })
    .await;
    let received = bus(queue.address)
        .receive(Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(received.unwrap().0.sequence, 7);
    let asked = asked(&queue);
    assert_eq!(
        asked,
        ["POST /order-items/$deadletterqueue/messages/head?timeout=5"; 3]
    );
    let tokens: Vec<String> = queue
        .received()
        .iter()
        .map(|request| request.header("authorization").unwrap())
        .collect();
    assert!(
        tokens[0].contains("sr=http%3A%2F%2F127.0.0.1"),
        "{}",
        tokens[0]
    );
    assert!(
        tokens.iter().all(|token| *token == tokens[0]),
        "signed once"
    );
}

#[tokio::test]
async fn nobody_there_is_said_without_a_url() {
    let nobody = nobody();
    let error = bus(nobody.address)
        .receive(Duration::ZERO)
        .await
        .unwrap_err();
    assert!(matches!(error, BusError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("messages/head"), "{error}");
}

#[tokio::test]
async fn letters_whose_locks_end_too_soon_do_not_keep_us_for_ever() {
    let queue = queue(|_, request| match request.starts_with("POST") {
        true => locked(""),
        false => status("404 Not Found"),
    })
    .await;
    let bus = bus(queue.address);
    let mut walk = Walk::new(&bus, Duration::ZERO, Stop::never());
    let filter = Filter::default();
    let end = walk.look(&filter, async |_| Ok(true)).await.unwrap();
    assert_eq!((end, walk.seen()), (WalkEnd::LocksTooShort, 1));
    walk.give_back().await;
}
