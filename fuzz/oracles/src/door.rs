//! The queue's door: BrokerProperties and signatures, over a real connection.

mod opened;
mod signature;

use bus::Properties;
use serde_json::{Map, Value};

use opened::{Answer, with_door};

/// Keys that the broker keeps as text.
const TEXTS: [&str; 9] = [
    "MessageId",
    "SessionId",
    "CorrelationId",
    "Label",
    "ContentType",
    "ReplyTo",
    "ReplyToSessionId",
    "To",
    "PartitionKey",
];

/// The first line of the input is a BrokerProperties header, the second one an Authorization
/// header; the rest is the body.
pub fn check(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (properties, authorization, body) = (line(), line(), line());
    check_properties(properties, body);
    signature::check(authorization, body);
}

/// What is accepted is in the queue as it was sent; what is refused is named.
fn check_properties(header: &[u8], body: &[u8]) {
    let Ok(value) = axum::http::HeaderValue::from_bytes(header) else {
        return; // no header: the client's library would not send it
    };
    let (answer, taken) = with_door(|door| door.send("BrokerProperties", value.as_bytes(), body));
    match (answer.status, taken) {
        (201, Some(message)) => {
            assert_eq!(message.body, body);
            assert_kept(value.as_bytes(), &message.properties);
        }
        (400, None) => {
            assert!(answer.text.starts_with("BrokerProperties: "), "{answer:?}");
            assert!(!is_plain(value.as_bytes()), "{answer:?}: {value:?}");
        }
        // Longer than the server takes of all headers.
        (431, None) => assert!(header.len() > 8 * 1024, "{answer:?}"),
        (_, taken) => panic!("{answer:?}, {taken:?} of {value:?}"),
    }
}

fn object(header: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(header.trim_ascii()).ok()
}

/// Each text is what was sent, each that was not sent is absent, but for the id that the queue
/// gives.
fn assert_kept(header: &[u8], properties: &Properties) {
    let sent = object(header).expect("an object");
    let kept = serde_json::to_value(properties).expect("JSON");
    for key in TEXTS {
        let given = key == "MessageId" && sent.get(key).is_none_or(Value::is_null);
        if !given {
            let sent = sent.get(key).unwrap_or(&Value::Null);
            assert_eq!(kept.get(key).unwrap_or(&Value::Null), sent, "{key}");
        }
    }
    let time_to_live = sent.get("TimeToLive").and_then(Value::as_f64);
    assert_eq!(properties.time_to_live, time_to_live);
}

/// Texts of 1 to 100 characters under known keys: nothing of that may be refused.
fn is_plain(header: &[u8]) -> bool {
    let Some(object) = object(header).filter(|_| header.is_ascii()) else {
        return false;
    };
    object.iter().all(|(key, value)| {
        let text = value
            .as_str()
            .is_some_and(|text| (1..=100).contains(&text.len()));
        key != "PartitionKey" && TEXTS.contains(&key.as_str()) && text
    })
}

/// A request that is sent must be answered, and never with a mistake of the server's own.
fn assert_sane(answer: &Answer) {
    assert!(answer.status < 500, "{answer:?}");
}
