//! Microsoft's clients for Python and Node, as they are, against the AMQP door.
#![cfg(unix)]

use bus::{AmqpDoor, AmqpOptions, AmqpService, Message, MessageState, Queue, QueueOptions};
use serde_json::{Value, json};
use stand_in::{AccessKey, Clock};
use testkit::clients;
use testkit::clients::Client;

/// What a client sent, and what it was refused.
async fn meet(client: &Client) -> (Vec<Message>, Value) {
    let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
    let options = AmqpOptions {
        queues: vec![queue.clone()],
        key: Some(AccessKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "SAS_KEY_VALUE".to_owned(),
        }),
        hints: None,
        ..AmqpOptions::default()
    };
    let door = AmqpDoor::start(testkit::net::listener().await, AmqpService::new(options)).unwrap();
    let connection = format!(
        "Endpoint=sb://localhost:{};SharedAccessKeyName=RootManageSharedAccessKey;\
         SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true",
        door.address().port()
    );
    let refused = client.send(&[&connection, "steps"]).await;
    door.stop().await;
    let (waiting, scheduled): (Vec<_>, Vec<_>) = queue
        .peek()
        .into_iter()
        .partition(|peeked| peeked.state == MessageState::Active);
    // Node's client sends a string as JSON.
    for message in &scheduled {
        let body = &message.accepted.message.body[..];
        assert!(
            [b"later".as_slice(), b"\"later\""].contains(&body),
            "{body:?}"
        );
    }
    assert_eq!(
        scheduled.len(),
        2,
        "scheduled by request, and by annotation"
    );
    let waiting = waiting.into_iter();
    (
        waiting.map(|peeked| peeked.accepted.message).collect(),
        refused,
    )
}

/// Compares everything but the first message's application properties, whose types differ by
/// language.
fn judge(messages: &[Message], refused: &Value) {
    let [one, batch @ .., large, last] = messages else {
        panic!("{messages:?}")
    };
    let mut properties = serde_json::to_value(&one.properties).unwrap();
    properties.as_object_mut().unwrap().remove("Application");
    let sent = json!({
        "MessageId": "one", "SessionId": "S1", "PartitionKey": "S1", "CorrelationId": "00-trace-01",
        "Label": "CartUpdated", "ContentType": "application/json", "To": "someone", "ReplyTo": "me",
        "ReplyToSessionId": "R1", "TimeToLive": 90.0,
    });
    assert_eq!(properties, sent);
    assert_eq!(one.body, r#"{"id":"zoë 🛒"}"#);
    assert_eq!(batch.len(), 3);
    for (number, message) in batch.iter().enumerate() {
        assert_eq!(message.body, format!("item {number} ö"));
        assert_eq!(
            message.properties.message_id,
            Some(format!("batch-{number}"))
        );
        assert_eq!(message.properties.session_id.as_deref(), Some("S2"));
    }
    assert_eq!(large.body, vec![b'x'; 200 * 1024]);
    assert_eq!(large.properties.message_id.as_deref(), Some("large"));
    assert_eq!(last.body, "still here");

    let expected = [
        ("too large", "larger than 256 KiB"),
        (
            "unknown queue",
            "no queue \"order-itmes\" here; there is: order-items",
        ),
        ("wrong key", "the signature is wrong"),
        ("subscription", "neither topics with subscriptions"),
    ];
    for (step, text) in expected {
        let told = refused[step].as_str().unwrap_or_default();
        assert!(told.contains(text), "{step}: {told:?}");
    }
    assert_eq!(
        refused.as_object().unwrap().len(),
        expected.len(),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_sends_unmodified_and_reads_every_refusal() {
    let Some(client) = clients::python() else {
        return;
    };
    let (messages, refused) = meet(&client).await;
    judge(&messages, &refused);
    let application = Value::Object(messages[0].properties.application.clone());
    let sent = json!({
        "text": "zoë", "number": 42, "fraction": 1.5, "flag": true,
        "uuid": "00000000-0000-0000-0000-000000000007", "time": "2026-05-04T09:30:00Z",
    });
    assert_eq!(application, sent);
    for (step, class) in [
        ("too large", "MessageSizeExceededError"),
        ("unknown queue", "MessagingEntityNotFoundError"),
        ("wrong key", "ServiceBusAuthenticationError"),
    ] {
        let told = refused[step].as_str().unwrap();
        assert!(told.starts_with(class), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_sends_unmodified_and_reads_every_refusal() {
    let Some(client) = clients::node() else {
        return;
    };
    let (messages, refused) = meet(&client).await;
    judge(&messages, &refused);
    let application = Value::Object(messages[0].properties.application.clone());
    let sent = json!({
        "text": "zoë", "number": 42, "fraction": 1.5, "flag": true, "time": "2026-05-04T09:30:00Z",
    });
    assert_eq!(application, sent);
    assert!(
        refused["wrong key"]
            .as_str()
            .unwrap()
            .contains("UnauthorizedAccess"),
        "{refused}"
    );
}
