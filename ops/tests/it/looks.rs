//! list, show, export, status: the output, and that nothing is changed by looking.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bus::Message;
use order_items_ops::export::Record;
use serde_json::{Value, json};
use stand_in::Method;

use crate::stage::{Stage, cart, letter};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn with_letters() -> Stage {
    let stage = Stage::new().await;
    let mut message = Message::new(cart("Zoë", 12))
        .with_session("Zoë")
        .with_id("m-12");
    message.properties.correlation_id = Some(TRACE.to_owned());
    message.properties.label = Some("CartUpdated".to_owned());
    message.properties.content_type = Some("application/json".to_owned());
    message
        .properties
        .application
        .insert("kind".to_owned(), json!("cart \"ü\""));
    stage.queue.add_dead_letter(letter(12, 12, message));
    stage
        .queue
        .add_dead_letter(letter(7, 7, Message::new(vec![0xE4, 0, 0x1b])));
    stage
}

#[tokio::test]
async fn list_is_a_table() {
    let stage = with_letters().await;
    let ran = stage.run("dead-letters list").await;
    let expected = "\
SEQUENCE  ENQUEUED              SESSION  MESSAGE ID  DELIVERIES  REASON                    BYTES  TRACE
12        2026-05-04T09:30:22Z  Zoë      m-12        11          MaxDeliveryCountExceeded  51     0af7651916cd43dd8448eb211c80319c
7         2026-05-04T09:30:17Z  -        -           11          MaxDeliveryCountExceeded  3      -
2 dead letters
";
    assert_eq!(ran.out, expected);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let limited = stage.run("dead-letters list --limit 1").await;
    assert!(
        limited.out.ends_with("\n1 dead letter\n"),
        "{}",
        limited.out
    );
    let seventh = stage.run("dead-letters list --sequence 7").await;
    assert!(
        seventh.out.contains("\n7 ") && seventh.out.ends_with("\n1 dead letter\n"),
        "{}",
        seventh.out
    );
    let none = stage.run("dead-letters list --session nobody").await;
    assert_eq!(none.out, "0 dead letters\n");
    assert_eq!(stage.asked(&Method::DELETE), []);
    stage.assert_all_given_back();
}

#[tokio::test]
async fn list_is_json_lines_for_programs() {
    let stage = with_letters().await;
    let ran = stage.run("dead-letters list --json").await;
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        json!({
            "sequenceNumber": 12, "enqueuedTime": "2026-05-04T09:30:22Z", "sessionId": "Zoë",
            "messageId": "m-12", "deliveryCount": 11, "bodyBytes": 51, "traceId": "0af7651916cd43dd8448eb211c80319c",
            "deadLetterReason": "MaxDeliveryCountExceeded",
            "deadLetterErrorDescription":
                "Message could not be consumed after the maximum number of delivery attempts.",
        })
    );
    assert_eq!((lines.len(), &lines[1]["sessionId"]), (2, &Value::Null));
}

#[tokio::test]
async fn show_is_one_letter_in_full() {
    let stage = with_letters().await;
    let ran = stage.run("dead-letters show 12").await;
    let expected = "\
sequence number        12
enqueued               2026-05-04T09:30:22Z
session                Zoë
message id             m-12
delivery count         11
reason                 MaxDeliveryCountExceeded
description            Message could not be consumed after the maximum number of delivery attempts.
content type           application/json
trace                  0af7651916cd43dd8448eb211c80319c
CorrelationId          \"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"
EnqueuedSequenceNumber 0
Label                  \"CartUpdated\"
TimeToLive             1209600.0
kind                   \"cart \\\"ü\\\"\"

body, 51 bytes:
{ \"id\":\"Zoë\",\"products\":[{\"id\":8,\"quantity\":12}] }
";
    assert_eq!(ran.out, expected);
    assert_eq!(ran.code, Some(0));
    let binary = stage.run("dead-letters show 7").await;
    assert!(
        binary.out.ends_with("\nbody, 3 bytes in base64:\n5AAb\n"),
        "{}",
        binary.out
    );
    let none = stage.run("dead-letters show 8").await;
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    assert_eq!(
        none.err,
        "order-items-ops: no dead letter 8 among 2 dead letters\n"
    );
    stage.assert_all_given_back();
}

#[tokio::test]
async fn an_export_reads_back_as_the_letters() {
    let stage = with_letters().await;
    let folder = stage.folder().display().to_string();
    let ran = stage
        .run(&format!("dead-letters export --to {folder}"))
        .await;
    let path = stage.folder().join("order-items-dead-letters.jsonl");
    let said = format!(
        "2 dead letters written to {}; none deleted\n",
        path.display()
    );
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), said.as_str()));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "orders hold e-mail addresses");

    let text = fs::read_to_string(&path).unwrap();
    let records: Vec<Record> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let delivery = records[0].delivery().unwrap();
    assert_eq!(delivery.body, cart("Zoë", 12));
    assert_eq!(
        delivery.position().unwrap().to_string(),
        "#12 of 2026-05-04T09:30:22Z"
    );
    assert_eq!(delivery.session_id.as_deref(), Some("Zoë"));
    assert_eq!(delivery.message_id.as_deref(), Some("m-12"));
    assert_eq!(delivery.trace.unwrap().to_string(), TRACE);
    assert_eq!(records[0].custom_properties["kind"], "cart \"ü\"");
    assert_eq!(records[0].broker_properties["Label"], "CartUpdated");
    assert_eq!(
        records[1].delivery().unwrap().body.as_ref(),
        [0xE4, 0, 0x1b]
    );
    assert!(!text.contains("LockToken"));

    let again = stage
        .run(&format!("dead-letters export --to {folder}"))
        .await;
    assert_eq!(again.code, Some(74), "an export is never overwritten");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert_eq!(stage.left(), [7, 12]);
    stage.assert_all_given_back();
}

#[tokio::test]
async fn status_counts_and_shows_the_newest_orders() {
    let stage = with_letters().await;
    stage.queue.enqueue(Message::new("waits")).unwrap();
    for number in 1..=12 {
        stage.store(&format!("s{number}"), number, 0, &cart("s", number));
    }
    let ran = stage.run("status --limit 2").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        lines[0],
        "queue order-items: 1 active, 2 dead-lettered, 0 scheduled"
    );
    assert_eq!(lines[1..3], ["container orders: 12 orders", "newest 2:"]);
    assert!(lines[3].starts_with("  MODIFIED"), "{}", lines[3]);
    assert_eq!(lines.len(), 6);
    assert!(lines[4].contains("2026-05-04T09:30:10Z") && lines[4].ends_with(".json"));
}
