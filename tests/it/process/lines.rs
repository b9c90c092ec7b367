//! The log: one record for each order, where it arrives at the level that it asks for.

use blob::BlobEndpoint;
use serde_json::{Value, json};
use testkit::net::listener;
use testkit::scripted::{Scripted, Step, answer, answering};

use crate::support::door::INVOCATION_ID;
use crate::support::message::TRACE_ID;
use crate::support::rig::{accepting, refusing, settings, storage_at};
use crate::support::{Handler, Message, Rig};

/// The host takes what is on standard output for information, whatever it says, and what is on
/// standard error for an error, unless the word is in it.
fn level_at_the_host(stream: &str, line: &str) -> &'static str {
    match stream {
        "stdout" => "Information",
        _ if line.to_lowercase().contains("warn") => "Warning",
        _ => "Error",
    }
}

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

/// What `infra/README.md` says of each outcome: where its record goes, and at which level it
/// arrives.
fn documented() -> Vec<(String, String, String)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page
        .split_once("| outcome | record | category | level |")
        .unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let cell = |at: usize| cells[at].to_owned();
        (cell(0), cell(1), cell(3))
    });
    rows.collect()
}

#[tokio::test]
async fn every_order_has_one_record_at_the_level_it_asks_for() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let forward = vec![
        Step::ReadAll,
        Step::Forward(endpoint.address()),
        Step::Relay,
    ];
    let storage = Scripted::start([], forward).await;
    let fallback = Scripted::start([accepting()], answering("502 Bad Gateway", "")).await;
    let mut rig = Rig::start(storage, fallback, &[("RUST_LOG", "info")]).await;
    let (older, newer) = (
        Message::new("a/b\n\"quoted\"", 7),
        Message::new("a/b\n\"quoted\"", 8),
    );
    // Nothing that a customer sends makes a warning of an error.
    let (handed, abandoned) = (Message::new("handed", 9), Message::new("Warner", 10));
    let retried = Message::new("retried", 11);
    let stored = rig.handler.deliver(&newer).await;
    let mut answers = vec![rig.handler.deliver(&older).await];
    for (message, refusals) in [(&handed, 4), (&abandoned, 4), (&retried, 1)] {
        for _ in 0..refusals {
            rig.storage
                .next(refusing("503 Service Unavailable", "ServerBusy"));
        }
        answers.push(rig.handler.deliver(message).await);
    }
    rig.handler
        .door
        .post(b"no invocation".to_vec())
        .await
        .unwrap();
    rig.handler.kill().await;

    let logs = format!("{} stored, upload attempts: 1", newer.blob_name());
    let expected = json!({"Outputs": {}, "Logs": [logs], "ReturnValue": null});
    assert_eq!(
        serde_json::from_str::<Value>(&stored.body).unwrap(),
        expected
    );
    for answer in &answers {
        let has_log = answer.body.contains("attempts");
        assert!(!has_log, "once is enough: {}", answer.body);
    }
    let (out, err) = (rig.handler.stdout.outcomes(), rig.handler.stderr.outcomes());
    assert_eq!((out.len(), err.len()), (2, 3), "{out:?} {err:?}");
    assert_line(&out[0], &older, "superseded", 1);
    assert_line(&out[1], &retried, "stored", 2);
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
    let (out, err) = (rig.handler.stdout.all(), rig.handler.stderr.all());
    assert_eq!(out.len() + err.len(), 6, "and the one about listening");

    let mut seen = recorded("stdout", &out[1..]);
    seen.extend(recorded("stderr", &err));
    seen.push(row("stored", "`Logs` of the answer", "Information"));
    seen.sort();
    let mut documented = documented();
    documented.sort();
    assert_eq!(seen, documented);
}

/// The answer that gives a batch back has no records, so what was stored of it has a line, like the
/// one that took it along. When all is well there is none.
#[tokio::test]
async fn what_was_stored_of_a_batch_that_is_given_back_has_a_line() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let forward = vec![
        Step::ReadAll,
        Step::Forward(endpoint.address()),
        Step::Relay,
    ];
    let storage = Scripted::start([], forward).await;
    let refuses = answering("502 Bad Gateway", "");
    let fallback = Scripted::start([refuses], accepting()).await;
    let mut rig = Rig::start(storage, fallback, &[("RUST_LOG", "info")]).await;
    let mut poison = Message::new("poison", 9);
    poison.body = "no order".into();
    let batch = [Message::new("S", 7), Message::new("S", 8), poison];
    let given_back = rig.handler.door.post(Message::batch(&batch)).await.unwrap();
    assert_eq!(given_back.status, 500, "{}", given_back.body);
    let again = batch.each_ref().map(Message::again);
    let settled = rig.handler.door.post(Message::batch(&again)).await.unwrap();
    assert_eq!(settled.status, 200, "{}", settled.body);
    rig.handler.kill().await;

    let (out, err) = (rig.handler.stdout.outcomes(), rig.handler.stderr.outcomes());
    assert_eq!((out.len(), err.len()), (2, 2), "{out:?} {err:?}");
    assert_line(&out[0], &batch[0], "superseded", 0);
    assert_line(&out[1], &batch[1], "stored", 1);
    let told: Vec<&Value> = err.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(told, ["abandoned", "handed over"]);
}

fn row(outcome: &str, record: &str, level: &str) -> (String, String, String) {
    (outcome.to_owned(), record.to_owned(), level.to_owned())
}

/// The same of the lines on a stream.
fn recorded(stream: &str, lines: &[String]) -> Vec<(String, String, String)> {
    let rows = lines.iter().map(|line| {
        let fields: Value = serde_json::from_str(line).unwrap();
        let outcome = match (fields["outcome"].as_str().unwrap(), &fields["attempts"]) {
            ("stored", attempts) if attempts != 1 => "stored after a retry",
            (outcome, _) => outcome,
        };
        let record = format!("line on {stream}");
        row(outcome, &record, level_at_the_host(stream, line))
    });
    rows.collect()
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
