//! What the host makes of an answer on the wire: each row as it was seen at a real one.

use std::time::Duration;

use bus::{Message, Queue, QueueOptions};
use host::{DeliveryOutcome, Event, InvocationFailure};
use stand_in::Clock;
use tokio::time::timeout;

use crate::bench::{next_delivered, start};
use crate::raw::{RawHandler, Reply, with_length};

const JSON: &str = "Content-Type: application/json\r\n";

/// What becomes of a message whose first delivery gets this reply, and all that the handler saw.
async fn outcome(first: Reply) -> (DeliveryOutcome, Vec<String>) {
    let answer = move |count| {
        if count == 1 {
            first.clone()
        } else {
            Reply::done()
        }
    };
    let mut handler = RawHandler::start(answer).await;
    let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
    let (host, mut events) = start(handler.url.clone(), &[], &queue);
    queue.enqueue(Message::new("x")).unwrap();
    let outcome = next_delivered(&mut events).await.outcome;
    if !matches!(outcome, DeliveryOutcome::Completed { .. }) {
        // It comes again, as a delivery of its own.
        assert_eq!(next_delivered(&mut events).await.delivery_count, 2);
    }
    host.stop().await;
    (outcome, handler.requests())
}

fn completed(status: u16) -> DeliveryOutcome {
    let logs = Vec::new();
    DeliveryOutcome::Completed { status, logs }
}

#[tokio::test]
async fn success() {
    for (status, headers, body) in [
        ("200 OK", JSON, "{}"),
        ("200 OK", JSON, "{} x"),
        ("200 OK", JSON, "{\"outputs\":{\"nobody\":1},\"logs\":[]}"),
        ("200 OK", JSON, "\u{feff}{}"),
        (
            "200 OK",
            "Content-Type: application/json; charset=iso-8859-1\r\n",
            "{}",
        ),
        (
            "200 OK",
            "Content-Type: application/json; charset=nonsense\r\n",
            "{}",
        ),
        ("200 OK", "Content-Type: text/json\r\n", "{}"),
        ("200 OK", JSON, "{\"ReturnValue\":{\"a\":1}}"),
        ("201 Created", JSON, "{}"),
        ("202 Accepted", JSON, "{}"),
        ("299 Odd", JSON, "{}"),
    ] {
        let (outcome, seen) = outcome(Reply::Send(with_length(status, headers, body))).await;
        let code = status
            .split(' ')
            .next()
            .expect("a code")
            .parse()
            .expect("a number");
        assert_eq!(outcome, completed(code), "{status} {headers:?} {body:?}");
        assert_eq!(seen.len(), 1);
    }
    let chunked = format!(
        "HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    );
    assert_eq!(outcome(Reply::Send(chunked)).await.0, completed(200));
    let more_than_said = with_length("200 OK", JSON, "{}") + "more";
    assert_eq!(outcome(Reply::Send(more_than_said)).await.0, completed(200));
}

#[tokio::test]
async fn given_back() {
    for (status, headers, body) in [
        ("200 OK", "Content-Type: text/plain\r\n", "{}"),
        ("200 OK", "", "{}"),
        ("200 OK", "Content-Type: application/problem+json\r\n", "{}"),
        ("200 OK", JSON, "[]"),
        ("200 OK", JSON, "\"x\""),
        ("200 OK", JSON, "5"),
        ("200 OK", JSON, "{"),
        ("200 OK", JSON, "{\"Logs\":\"x\"}"),
        ("200 OK", JSON, "{\"Logs\":[{}]}"),
        ("200 OK", JSON, "{\"Outputs\":[]}"),
        ("300 Multiple Choices", JSON, "{}"),
        ("301 Moved Permanently", JSON, "{}"),
        ("302 Found", JSON, "{}"),
        ("303 See Other", JSON, "{}"),
        ("400 Bad Request", JSON, "{}"),
        ("404 Not Found", JSON, "{}"),
        ("429 Too Many Requests", JSON, "{}"),
        ("500 Internal Server Error", JSON, "{}"),
        ("503 Service Unavailable", JSON, "{}"),
    ] {
        let (outcome, seen) = outcome(Reply::Send(with_length(status, headers, body))).await;
        let abandoned = matches!(outcome, DeliveryOutcome::Abandoned { last: false, .. });
        assert!(abandoned, "{status} {headers:?} {body:?}: {outcome:?}");
        assert_eq!(seen.len(), 2, "{status} {body:?}");
    }
    let bare = Reply::Send("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned());
    let why = InvocationFailure::Status(304);
    assert_eq!(
        outcome(bare).await.0,
        DeliveryOutcome::Abandoned { why, last: false }
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_failure_and_nothing_is_sent_again_on_its_own() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}";
    for reply in [
        Reply::SendAndClose(String::new()),
        Reply::Reset,
        Reply::SendAndClose("HTTP/1.1 200 OK\r\nContent-".to_owned()),
        Reply::SendAndClose(cut.to_owned()),
    ] {
        let (outcome, seen) = outcome(reply.clone()).await;
        let DeliveryOutcome::Abandoned { why, last: false } = outcome else {
            panic!("{reply:?}: {outcome:?}")
        };
        assert!(
            matches!(why, InvocationFailure::Connection(_)),
            "{reply:?}: {why}"
        );
        let id = |request: &String| {
            let mut lines = request.lines();
            let id = lines.find_map(|line| line.strip_prefix("X-Azure-Functions-InvocationId: "));
            id.expect("an id").to_owned()
        };
        let ids: Vec<String> = seen.iter().map(id).collect();
        assert_eq!(ids.len(), 2, "{reply:?}");
        assert_ne!(ids[0], ids[1], "a new delivery has an id of its own");
    }
}

#[tokio::test]
async fn a_hang_ends_two_seconds_after_function_timeout() {
    for reply in [
        with_length("200 OK", "", ""),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        with_length("200 OK", JSON, "null"),
        with_length("200 OK", JSON, " \r\n "),
        with_length("200 OK", "Content-Type: text/plain\r\n", ""),
        format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let first = Reply::Send(reply.clone());
        let answer = move |count| {
            if count == 1 {
                first.clone()
            } else {
                Reply::done()
            }
        };
        let handler = RawHandler::start(answer).await;
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let (_host, mut events) = start(handler.url.clone(), &[], &queue);
        queue.enqueue(Message::new("x")).unwrap();
        let Event::Note { text, .. } = events.recv().await.expect("an event") else {
            panic!("{reply:?}: a note comes first")
        };
        assert!(text.contains("hangs until functionTimeout"), "{text}");
        // Five minutes of function.json, and the grace: they pass at once.
        tokio::time::pause();
        let until = Duration::from_millis(5 * 60 * 1000 + 1900);
        timeout(until, events.recv())
            .await
            .expect_err("in its grace");
        let why = InvocationFailure::FunctionTimeout;
        let outcome = next_delivered(&mut events).await.outcome;
        assert_eq!(outcome, DeliveryOutcome::Abandoned { why, last: false });
        tokio::time::resume();
    }
}
