//! What the spans say, and that what goes out names them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::scripted::{Received, Scripted, Step};
use testkit::spans::{Exported, SpanReceiver};

use super::{GIVEN, GIVEN_ID, GIVEN_SPAN, exporting, named, storing};
use crate::support::Message;
use crate::support::message::TRACE_ID;
use crate::support::rig::refusing;

const PUT: &str = "PUT /{container}/{session}.json";
const POST: &str = "POST {FALLBACK_URL}";
const PROCESS: &str = "process carts";

fn told(request: &Received) -> String {
    request.header("traceparent").expect("a traceparent")
}

fn is_put(span: &Exported) -> bool {
    span.name == PUT
}

#[tokio::test]
async fn four_attempts_and_the_mail_are_spans_below_the_invocations() {
    let receiver = SpanReceiver::start().await;
    let down = refusing("503 Service Unavailable", "ServerBusy");
    let rig = exporting(down, &receiver).await;
    let message = Message::new("cart", 7);
    let headers = [("traceparent", GIVEN)];
    let answer = rig.handler.door.post_with(message.invocation(), &headers);
    assert_eq!(answer.await.unwrap().status, 200);
    let spans = receiver.wait(6, |_| true).await;

    let process = named(&spans, PROCESS);
    assert_eq!(
        (process.trace.as_str(), process.parent.as_str()),
        (GIVEN_ID, GIVEN_SPAN)
    );
    assert_eq!(process.kind as i32, 5, "a consumer's");
    // The message's own context is another than the host's: it is not lost.
    let own = (TRACE_ID.to_owned(), "00f067aa0ba902b7".to_owned());
    assert_eq!(process.links, [own]);
    for (name, value) in [
        ("messaging.system", "servicebus"),
        ("messaging.operation.name", "process"),
        ("messaging.destination.name", "carts"),
        ("messaging.message.id", &message.id),
        ("messaging.servicebus.message.delivery_count", "1"),
        ("messaging.servicebus.message.sequence_number", "7"),
        ("session.id", "cart"),
        ("order.attempts", "4"),
        ("order.outcome", "handed over"),
    ] {
        assert_eq!(process.get(name), value, "{process:#?}");
    }
    assert_eq!(process.failure, None, "a person has it");
    assert_eq!(process.service, "order-items-reserver");
    assert_eq!(process.resource["telemetry.sdk.language"], "rust");

    let uploads = rig.storage.received();
    assert_eq!(uploads.len(), 4);
    for (number, upload) in (1..).zip(&uploads) {
        let is_it =
            |span: &&Exported| is_put(span) && span.get("order.attempt") == number.to_string();
        let attempt = spans.iter().find(is_it).unwrap();
        assert_eq!(told(upload), attempt.traceparent(), "attempt {number}");
        assert_eq!(
            (&attempt.trace, &attempt.parent),
            (&process.trace, &process.id)
        );
        assert_eq!(attempt.kind as i32, 3, "a client's");
        assert_eq!(attempt.get("http.response.status_code"), "503");
        assert_eq!(attempt.get("error.type"), "503");
        assert_eq!(attempt.failure.as_deref(), Some("503 ServerBusy"));
        assert_eq!(attempt.get("server.address"), "127.0.0.1");
        assert_eq!(
            attempt.get("server.port"),
            rig.storage.address.port().to_string()
        );
    }

    let mail = named(&spans, POST);
    let call = rig.fallback.received().remove(0);
    assert_eq!(told(&call), mail.traceparent());
    assert_eq!(
        call.header("x-ms-client-tracking-id").as_deref(),
        Some(GIVEN_ID)
    );
    assert_eq!((&mail.trace, &mail.parent), (&process.trace, &process.id));
    assert_eq!(mail.get("http.response.status_code"), "202");
    assert_eq!((mail.get("order.attempts"), &mail.failure), ("4", &None));
    assert_discreet(&spans);
}

/// Nothing of a body, no address of a shopper, nothing that opens a door.
fn assert_discreet(spans: &[Exported]) {
    for span in spans {
        let said = format!("{span:?}");
        for secret in [
            "shopper@",
            "K\u{e4}tzchen",
            "SharedKey",
            "sig=",
            blob::ACCOUNT_KEY,
        ] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }
}

#[tokio::test]
async fn an_order_that_is_stored_is_two_spans() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    rig.deliver(&Message::new("cart", 7)).await;
    let spans = receiver.wait(2, |_| true).await;
    let process = named(&spans, PROCESS);
    let attempt = named(&spans, PUT);
    // The host named none, so the message's own is the parent.
    assert_eq!(
        (process.trace.as_str(), process.parent.as_str()),
        (TRACE_ID, "00f067aa0ba902b7")
    );
    assert!(process.links.is_empty(), "{process:#?}");
    assert_eq!(process.get("order.outcome"), "stored");
    assert_eq!(attempt.parent, process.id);
    assert_eq!(attempt.get("order.outcome"), "stored");
    assert_eq!(attempt.get("http.response.status_code"), "201");
    assert_eq!(attempt.failure, None);
}

/// The host's span is of the message's trace, and may be recorded elsewhere, or nowhere.
#[tokio::test]
async fn below_whoever_made_the_message_and_beside_the_hosts_span_of_its_trace() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    let continued = format!("00-{TRACE_ID}-00000000000000aa-01");
    let headers = [("traceparent", continued.as_str())];
    let posted = Message::new("cart", 7).invocation();
    let answer = rig.handler.door.post_with(posted, &headers);
    assert_eq!(answer.await.unwrap().status, 200);
    let spans = receiver.wait(2, |_| true).await;
    let process = named(&spans, PROCESS);
    assert_eq!(
        (process.trace.as_str(), process.parent.as_str()),
        (TRACE_ID, "00f067aa0ba902b7")
    );
    assert_eq!(
        process.links,
        [(TRACE_ID.to_owned(), "00000000000000aa".to_owned())]
    );
}

/// A batch of messages whose traces others record is recorded; one of nobody's is not, unless the
/// host records it.
#[tokio::test]
async fn a_host_that_records_no_batch_says_nothing_of_its_messages() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    let batch = |session: &str, flags: &str| {
        let body = STANDARD.encode(format!(r#"{{"id":"{session}"}}"#));
        let own = json!({"Diagnostic-Id": format!("00-{TRACE_ID}-00f067aa0ba902b7-{flags}")});
        let metadata = json!({
            "SequenceNumberArray": "[1]",
            "EnqueuedTimeArray": json!(["2026-05-04T09:30:10+00:00"]).to_string(),
            "ApplicationPropertiesArray": json!([own]).to_string(),
        });
        json!({"Data": {"order": json!([body]).to_string()}, "Metadata": metadata}).to_string()
    };
    let begun = GIVEN.replace("-01", "-00");
    let headers = [("traceparent", begun.as_str())];
    for (session, flags) in [("unrecorded", "00"), ("recorded", "01")] {
        let posted = batch(session, flags).into_bytes();
        let answer = rig.handler.door.post_with(posted, &headers).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    let spans = receiver.wait(3, |_| true).await;
    let is_batch = |span: &&Exported| {
        span.attributes
            .contains_key("messaging.batch.message_count")
    };
    let of_batch = spans.iter().find(is_batch).unwrap();
    assert_eq!(of_batch.parent, "", "a trace of its own");
    let message = spans
        .iter()
        .find(|span| span.get("session.id") == "recorded" && !is_put(span));
    assert_eq!(
        message.unwrap().links,
        [(of_batch.trace.clone(), of_batch.id.clone())]
    );
}

/// What no answer came to has no status, and says so.
#[tokio::test]
async fn an_attempt_that_runs_out_of_time_says_so() {
    let receiver = SpanReceiver::start().await;
    let storage = Scripted::start([vec![Step::ReadAll, Step::Hang]], storing()).await;
    let fallback = Scripted::start([], crate::support::rig::accepting()).await;
    let endpoint = receiver.endpoint();
    let settings = [
        (super::ENDPOINT, endpoint.as_str()),
        ("UPLOAD_ATTEMPT_TIMEOUT_MS", "1000"),
    ];
    let rig = crate::support::Rig::start(storage, fallback, &settings).await;
    rig.deliver(&Message::new("cart", 7)).await;
    let attempts = receiver.wait(2, is_put).await;
    let first = attempts
        .iter()
        .find(|it| it.get("order.attempt") == "1")
        .unwrap();
    assert_eq!(first.get("error.type"), "timeout");
    assert_eq!(first.get("http.response.status_code"), "");
    assert_eq!(first.get("server.address"), "127.0.0.1");
    let second = attempts
        .iter()
        .find(|it| it.get("order.attempt") == "2")
        .unwrap();
    assert_eq!(second.failure, None);
}

#[tokio::test]
async fn whoever_sends_decides_whether_a_trace_is_recorded() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    let door = &rig.handler.door;
    let bare = |number: u32| {
        json!({
            "Data": { "order": STANDARD.encode(format!(r#"{{"id":"bare-{number}"}}"#)) },
            "Metadata": { "SequenceNumber": number.to_string(), "EnqueuedTimeUtc": "2026-05-04T09:30:10" },
        })
        .to_string()
        .into_bytes()
    };
    // The host began it since the message has none, and does not record it.
    let unsampled = GIVEN.replace("-01", "-00");
    let headers = [("traceparent", unsampled.as_str())];
    assert_eq!(door.post_with(bare(1), &headers).await.unwrap().status, 200);
    let upload = rig.storage.received().pop().unwrap();
    let passed_on = told(&upload);
    assert!(
        passed_on.starts_with(&format!("00-{GIVEN_ID}-")),
        "{passed_on}"
    );
    assert!(
        passed_on.ends_with("-00") && !passed_on.contains(GIVEN_SPAN),
        "{passed_on}"
    );
    // Nobody names one, or what is none: a trace begins here.
    // The message's maker does not, and the host continues it as if it did.
    let mut message: Value = serde_json::from_slice(&Message::new("own", 9).invocation()).unwrap();
    message["Metadata"]["CorrelationId"] = json!(format!("\"{unsampled}\""));
    let message = message.to_string().into_bytes();
    let continued = format!("00-{GIVEN_ID}-00000000000000aa-01");
    let headers = [("traceparent", continued.as_str())];
    assert_eq!(door.post_with(message, &headers).await.unwrap().status, 200);
    let malformed = GIVEN.to_uppercase();
    let headers = [("traceparent", malformed.as_str())];
    assert_eq!(door.post(bare(2)).await.unwrap().status, 200);
    assert_eq!(door.post_with(bare(3), &headers).await.unwrap().status, 200);
    let spans = receiver.wait(4, |_| true).await;
    let roots: Vec<_> = spans.iter().filter(|span| span.parent.is_empty()).collect();
    assert_eq!(roots.len(), 2, "{spans:#?}");
    assert_ne!(roots[0].trace, roots[1].trace);
    for span in &spans {
        assert_ne!(span.trace, GIVEN_ID);
    }
    for upload in &rig.storage.received()[2..] {
        let is_it = |span: &Exported| is_put(span) && span.traceparent() == told(upload);
        assert!(spans.iter().any(is_it), "{spans:#?}");
    }
}

/// The batch is one span with a link to each message, and each message one of its own trace with a
/// link to the batch.
#[tokio::test]
async fn in_a_batch_each_message_is_a_span_of_its_own_trace() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    let bodies = ["one", "one", "none"].map(|it| STANDARD.encode(format!(r#"{{"id":"{it}"}}"#)));
    let own = |span: &str| json!({"Diagnostic-Id": format!("00-{TRACE_ID}-{span}-01")});
    let (first, second) = ("00f067aa0ba902b7", "00f067aa0ba902b8");
    let batch = json!({
        "Data": { "order": json!(bodies).to_string() },
        "Metadata": {
            "SequenceNumberArray": "[1,2,3]",
            "EnqueuedTimeArray": json!(["2026-05-04T09:30:10+00:00"].repeat(3)).to_string(),
            "ApplicationPropertiesArray": json!([own(first), own(second), {}]).to_string(),
        }
    });
    let headers = [("traceparent", GIVEN)];
    let posted = rig
        .handler
        .door
        .post_with(batch.to_string().into_bytes(), &headers);
    assert_eq!(posted.await.unwrap().status, 200);

    let spans = receiver.wait(6, |_| true).await;
    let all: Vec<_> = spans.iter().filter(|span| span.name == PROCESS).collect();
    assert_eq!(all.len(), 4, "{spans:#?}");
    let is_batch = |span: &&&Exported| {
        span.attributes
            .contains_key("messaging.batch.message_count")
    };
    let of_batch = all.iter().find(is_batch).unwrap();
    assert_eq!(of_batch.get("messaging.batch.message_count"), "3");
    assert_eq!(
        (of_batch.trace.as_str(), of_batch.parent.as_str()),
        (GIVEN_ID, GIVEN_SPAN)
    );
    let linked = |span: &str| (TRACE_ID.to_owned(), span.to_owned());
    assert_eq!(of_batch.links, [linked(first), linked(second)]);

    let here = (of_batch.trace.clone(), of_batch.id.clone());
    for (trace, parent, outcome) in [
        (TRACE_ID, first, "superseded"),
        (TRACE_ID, second, "stored"),
        (GIVEN_ID, of_batch.id.as_str(), "stored"),
    ] {
        let is_it = |span: &&&Exported| span.parent == parent && span.trace == trace;
        let message = all.iter().find(is_it).unwrap();
        assert_eq!(message.get("order.outcome"), outcome);
        assert_eq!(message.links, std::slice::from_ref(&here));
        let uploads = spans
            .iter()
            .filter(|span| is_put(span) && span.parent == message.id);
        assert_eq!(uploads.count(), usize::from(outcome == "stored"));
    }
}

#[tokio::test]
async fn a_request_that_is_no_invocation_is_a_span_that_failed() {
    let receiver = SpanReceiver::start().await;
    let rig = exporting(storing(), &receiver).await;
    let headers = [("traceparent", GIVEN)];
    let answer = rig.handler.door.post_with(b"{}".to_vec(), &headers);
    assert_eq!(answer.await.unwrap().status, 400);
    let spans = receiver.wait(1, |_| true).await;
    let refused = named(&spans, PROCESS);
    assert_eq!(
        (refused.parent.as_str(), refused.get("error.type")),
        (GIVEN_SPAN, "refused")
    );
    assert!(
        refused
            .failure
            .as_ref()
            .unwrap()
            .contains("not an invocation")
    );
}
