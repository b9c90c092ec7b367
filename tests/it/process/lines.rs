//! The log: one line of JSON for each invocation.

use blob::BlobEndpoint;
use serde_json::Value;
use testkit::net::listener;
use testkit::scripted::{Scripted, Step, answer, answering};

use crate::support::door::INVOCATION_ID;
use crate::support::message::TRACE_ID;
use crate::support::rig::{accepting, refusing, settings, storage_at};
use crate::support::{Handler, Message, Rig};

/// The fields that every line about an invocation has.
const FIELDS: [&str; 10] = [
    "invocation_id",
    "session",
    "message_id",
    "sequence_number",
    "delivery_count",
    "outcome",
    "attempts",
    "blob_name",
    "duration_ms",
    "trace_id",
];

fn assert_line(line: &Value, message: &Message, outcome: &str, attempts: u32) {
    for field in FIELDS {
        assert!(!line[field].is_null(), "{field}: {line}");
    }
    assert_eq!(line["invocation_id"], INVOCATION_ID);
    assert_eq!(line["session"], message.session);
    assert_eq!(line["message_id"], message.id);
    assert_eq!(line["sequence_number"], message.sequence);
    assert_eq!(line["delivery_count"], message.delivery_count);
    assert_eq!(line["outcome"], outcome);
    assert_eq!(line["attempts"], attempts);
    assert_eq!(line["blob_name"], message.blob_name());
    assert!(line["duration_ms"].is_number(), "{line}");
    assert_eq!(line["trace_id"], TRACE_ID);
}

#[tokio::test]
async fn every_invocation_is_one_line_of_json_on_the_stream_of_its_severity() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let forward = vec![
        Step::ReadAll,
        Step::Forward(endpoint.address()),
        Step::Relay,
    ];
    let storage = Scripted::start([], forward).await;
    let fallback = Scripted::start([accepting()], answering("502 Bad Gateway", "")).await;
    let mut rig = Rig::start(storage, fallback, &[]).await;
    let (older, newer) = (
        Message::new("a/b\n\"quoted\"", 7),
        Message::new("a/b\n\"quoted\"", 8),
    );
    let (handed, abandoned) = (Message::new("handed", 9), Message::new("abandoned", 10));
    rig.handler.deliver(&newer).await;
    rig.handler.deliver(&older).await;
    for message in [&handed, &abandoned] {
        for _ in 0..4 {
            rig.storage
                .next(refusing("503 Service Unavailable", "ServerBusy"));
        }
        rig.handler.deliver(message).await;
    }
    rig.handler
        .door
        .post(b"no invocation".to_vec())
        .await
        .unwrap();
    rig.handler.kill().await;
    let (out, err) = (rig.handler.stdout.outcomes(), rig.handler.stderr.outcomes());
    assert_eq!((out.len(), err.len()), (2, 3), "{out:?} {err:?}");
    assert_line(&out[0], &newer, "stored", 1);
    assert_line(&out[1], &older, "superseded", 1);
    assert_line(&err[0], &handed, "handed over", 4);
    assert_line(&err[1], &abandoned, "abandoned", 4);
    let levels: Vec<&Value> = out.iter().chain(&err).map(|line| &line["level"]).collect();
    assert_eq!(levels, ["INFO", "INFO", "WARN", "ERROR", "ERROR"]);
    assert_eq!(
        err[0]["reason"],
        "upload could not be confirmed: 503 ServerBusy"
    );
    assert_eq!(err[1]["error"], "fallback answered 502");
    assert_eq!(err[2]["outcome"], "refused");
    assert_eq!(err[2]["invocation_id"], INVOCATION_ID);
    let all = [rig.handler.stdout.all(), rig.handler.stderr.all()].concat();
    assert_eq!(all.len(), 6, "those, and the one about listening: {all:#?}");
}

/// Any 2xx is a yes; one that may have come before anything was done is logged.
#[tokio::test]
async fn a_yes_that_does_not_say_that_a_mail_was_accepted_is_logged() {
    let storage = Scripted::start([], refusing("503 Service Unavailable", "ServerBusy")).await;
    let other = answer("200 OK", "", r#"{"status":"queued"}"#);
    let yeses = [
        accepting(),
        answering("204 No Content", ""),
        vec![Step::ReadAll, Step::Send(other)],
    ];
    let fallback = Scripted::start(yeses, accepting()).await;
    let mut rig = Rig::start(storage, fallback, &[]).await;
    for number in 1..=3 {
        let answered = rig.handler.deliver(&Message::new("S", number)).await;
        assert_eq!(answered.status, 200);
    }
    rig.handler.kill().await;
    let lines = rig.handler.stderr.all();
    let said = lines
        .iter()
        .filter(|line| line.contains("does not say that a mail was accepted"));
    assert_eq!((lines.len(), said.count()), (5, 2), "{lines:#?}");
}

/// Whoever reads the lines may go; the orders must not suffer for it.
#[tokio::test]
async fn a_handler_whose_output_nobody_reads_any_more_still_serves() {
    let storage = Scripted::start([], answering("201 Created", "etag: \"1\"\r\n")).await;
    let fallback = Scripted::start([], accepting()).await;
    let settings = settings(&storage_at(storage.address), fallback.address);
    for closed in ["stdout", "stderr", "both"] {
        let mut handler = Handler::start(&settings).await;
        handler
            .stop_reading(closed != "stderr", closed != "stdout")
            .await;
        for number in 1..=3 {
            let mut message = Message::new(&format!("{closed}-{number}"), number);
            assert_eq!(
                handler.deliver(&message).await.status,
                200,
                "{closed}, stored"
            );
            message.body = "poison".into();
            assert_eq!(
                handler.deliver(&message).await.status,
                200,
                "{closed}, handed over"
            );
        }
    }
}
