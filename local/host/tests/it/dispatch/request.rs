//! The request of an invocation as it is on the wire: the real host's headers and no other, and the
//! recorded body.

use axum::http::{HeaderName, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Accepted, DeadLetter, DeadLetterReason, Message};
use host::{DeliveryOutcome, InvocationFailure};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::bench::{Bench, SeenRequest, ok};

/// The body of a message with an id and nothing else, on a queue without sessions.
const RECORDED: &str =
    include_str!("../../../../../tests/it/invocations/single-binary-no-session.json");

/// What the real host sends beside the header of the framing.
const HEADERS: [&str; 5] = [
    "content-type",
    "host",
    "user-agent",
    "x-azure-functions-hostversion",
    "x-azure-functions-invocationid",
];

fn assert_headers(seen: &SeenRequest, address: &str, framing: (&str, &str)) {
    let mut names: Vec<&str> = seen.head.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let mut expected = [&HEADERS[..], &[framing.0]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(seen.head.headers.len(), expected.len(), "each once");
    assert_eq!(seen.header(framing.0), framing.1);
    assert_eq!(seen.header("host"), address);
    assert_eq!(
        seen.header("content-type"),
        "application/json; charset=utf-8"
    );
    let version = seen.header("x-azure-functions-hostversion");
    assert!(version.starts_with("4."), "{version}");
    assert_eq!(
        seen.header("user-agent"),
        format!("Azure-Functions-Host/{version}")
    );
    let id = seen.header("x-azure-functions-invocationid");
    assert_eq!(Uuid::parse_str(id).expect("a GUID").to_string(), id);
}

/// The framing of the request, and the settings with which the host has it.
fn framings() -> [(&'static str, Vec<(&'static str, &'static str)>); 2] {
    let core_tools = ("FUNCTIONS_CORETOOLS_ENVIRONMENT", "true");
    [
        ("transfer-encoding", Vec::new()),
        ("content-length", vec![core_tools]),
    ]
}

#[tokio::test]
async fn a_request_has_the_hosts_line_and_headers_and_no_other_in_either_framing() {
    for (framing, settings) in framings() {
        let mut bench = Bench::new(&settings, async |_| ok()).await;
        bench.queue.enqueue(Message::new("x")).unwrap();
        bench.delivered().await;
        let address = bench.host.handler_url().strip_prefix("http://");
        let address = address.expect("http").to_owned();
        let log = bench.log.lock().expect("unpoisoned");
        let seen = &log[0];
        assert_eq!(seen.head.method, Method::POST);
        assert_eq!(seen.head.version, Version::HTTP_11);
        assert_eq!(seen.head.uri, "/OrderItemsReserver", "no query");
        let length = seen.bytes.len().to_string();
        let value = if framing == "content-length" {
            &length
        } else {
            "chunked"
        };
        assert_headers(seen, &address, (framing, value));
    }
}

/// Digits and the letters of GUIDs, each as a 0.
fn form(value: &Value) -> String {
    let text = value.as_str().expect("text");
    // A fraction has as many digits as it needs.
    let (whole, zone) = match text.split_once('.') {
        Some((whole, fraction)) if text.contains('T') => (whole, &fraction[fraction.len() - 1..]),
        _ => (text, ""),
    };
    let form = whole.replace(|c: char| c.is_ascii_hexdigit(), "0");
    form + zone
}

/// The recorded values take the place of those that are new in every run, once they have the same
/// form.
fn fixed(mut sent: Value, recorded: &Value) -> Value {
    for pointer in [
        "/Metadata/Client/Identifier",
        "/Metadata/LockToken",
        "/Metadata/ExpiresAtUtc",
        "/Metadata/ExpiresAt",
        "/Metadata/EnqueuedTimeUtc",
        "/Metadata/EnqueuedTime",
        "/Metadata/sys/UtcNow",
        "/Metadata/sys/RandGuid",
    ] {
        let expected = recorded.pointer(pointer).expect(pointer);
        let found = sent.pointer_mut(pointer).expect(pointer);
        assert_eq!(form(found), form(expected), "{pointer}");
        *found = expected.clone();
    }
    sent
}

/// The next message gets the number behind this one.
fn letter(sequence: u64) -> DeadLetter {
    let enqueued = OffsetDateTime::UNIX_EPOCH;
    DeadLetter {
        accepted: Accepted {
            sequence,
            enqueued,
            expires: enqueued,
            message: Message::new("x"),
        },
        delivery_count: 10,
        at: enqueued,
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    }
}

#[tokio::test]
async fn the_body_is_the_recorded_one_in_either_framing() {
    let recorded: Value = serde_json::from_str(RECORDED).expect("JSON");
    let connection = (
        "ServiceBusConnection",
        "Endpoint=sb://sb-petstore.servicebus.windows.net/",
    );
    for (framing, mut settings) in framings() {
        settings.push(connection);
        let mut bench = Bench::new(&settings, async |_| ok()).await;
        bench.queue.add_dead_letter(letter(8411));
        let order = recorded["Data"]["order"].as_str().expect("text");
        let order = STANDARD.decode(order).expect("base64");
        let id = "a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42";
        bench
            .queue
            .enqueue(Message::new(order).with_id(id))
            .unwrap();
        bench.delivered().await;
        let log = bench.log.lock().expect("unpoisoned");
        let seen = log.last().expect("a request");
        assert!(seen.head.headers.contains_key(framing));
        let sent = fixed(seen.body(), &recorded);
        // Also the order of the keys.
        assert_eq!(sent.to_string(), RECORDED);
    }
}

#[tokio::test]
async fn every_attempt_has_an_id_of_its_own() {
    let mut bench = Bench::new(&[], async |count| {
        if count < 4 {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        } else {
            ok()
        }
    })
    .await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    for count in 1..=3 {
        let delivered = bench.delivered().await;
        assert_eq!(delivered.delivery_count, count);
        assert_eq!(
            delivered.outcome,
            DeliveryOutcome::Abandoned {
                why: InvocationFailure::Status(500),
                last: false
            }
        );
    }
    assert!(matches!(
        bench.delivered().await.outcome,
        DeliveryOutcome::Completed { .. }
    ));
    let seen = bench.log.lock().expect("unpoisoned");
    let mut ids: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("x-azure-functions-invocationid"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let counts: Vec<Value> = seen
        .iter()
        .map(|seen| seen.body()["Metadata"]["DeliveryCount"].clone())
        .collect();
    assert_eq!(counts, ["1", "2", "3", "4"]);
}

fn elsewhere(status: StatusCode) -> Response {
    (status, [(header::LOCATION, "/Elsewhere")]).into_response()
}

#[tokio::test]
async fn a_redirect_is_followed_with_the_body_where_the_method_stays() {
    for (status, method) in [
        (StatusCode::MOVED_PERMANENTLY, Method::GET),
        (StatusCode::FOUND, Method::GET),
        (StatusCode::SEE_OTHER, Method::GET),
        (StatusCode::TEMPORARY_REDIRECT, Method::POST),
        (StatusCode::PERMANENT_REDIRECT, Method::POST),
    ] {
        let answer = move |count| async move { if count == 1 { elsewhere(status) } else { ok() } };
        let mut bench = Bench::new(&[], answer).await;
        bench.queue.enqueue(Message::new("x")).unwrap();
        let outcome = bench.delivered().await.outcome;
        assert!(
            matches!(outcome, DeliveryOutcome::Completed { .. }),
            "{outcome:?}"
        );
        let log = bench.log.lock().expect("unpoisoned");
        assert_eq!(log[1].head.uri, "/Elsewhere");
        assert_eq!(log[1].head.method, method);
        let again = if method == Method::POST {
            &log[0].bytes[..]
        } else {
            b""
        };
        assert_eq!(log[1].bytes, again);
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_or_without_end_is_a_failure() {
    let nowhere = Bench::new(&[], async |_| StatusCode::FOUND.into_response()).await;
    let endless = Bench::new(&[], async |_| elsewhere(StatusCode::TEMPORARY_REDIRECT)).await;
    for (mut bench, status) in [(nowhere, 302), (endless, 307)] {
        bench.queue.enqueue(Message::new("x")).unwrap();
        let why = InvocationFailure::Status(status);
        let failed = DeliveryOutcome::Abandoned { why, last: false };
        assert_eq!(bench.delivered().await.outcome, failed);
    }
}
