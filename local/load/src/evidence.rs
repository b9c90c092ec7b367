//! What the judge is shown: what was sent, and what can be seen of it afterwards. Plain data.
//!
//! It comes from outside, over HTTP, or from whoever has the parts in its own process. Nothing here
//! reads it: so the judge stands on these types alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How sending a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// The queue said 201.
    Accepted,
    /// The answer never came: it may be in the queue or not.
    Maybe,
    /// The queue said no, with this status (0: it was never reached).
    Refused(u16),
}

/// One message, as the oracle wrote it down. Of one session, they come in the order of sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Whose cart.
    pub session: String,
    /// The session's count of carts.
    pub revision: u64,
    /// `MessageId`.
    pub message_id: String,
    /// Of the body's bytes.
    pub sha256: String,
    /// Of the order as JSON without blanks: an e-mail carries the order, not its blanks. Poison has
    /// no order in it.
    pub order_sha256: Option<String>,
    /// How sending ended.
    pub fate: Fate,
    /// How often it was tried.
    pub tries: u32,
    /// Whether a try before the last got no clear answer.
    pub unclear: bool,
    /// When the cart changed; of carts that became one, the first.
    #[serde(with = "time::serde::rfc3339")]
    pub due: OffsetDateTime,
    /// When the last try ended.
    #[serde(with = "time::serde::rfc3339")]
    pub answered: OffsetDateTime,
}

impl Sent {
    /// Whether it is no order: nothing can ever store it.
    #[must_use]
    pub fn is_poison(&self) -> bool {
        self.order_sha256.is_none()
    }
}

/// What a blob's metadata says of the message in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// `sequence`.
    pub sequence: Option<u64>,
    /// `enqueued`.
    pub enqueued: Option<OffsetDateTime>,
    /// `messageid`.
    pub message_id: Option<String>,
}

impl Mark {
    /// Reads the metadata, whose values come by their names.
    #[must_use]
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            sequence: value("sequence").and_then(|text| text.parse().ok()),
            enqueued: value("enqueued")
                .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()),
            message_id: value("messageid"),
        }
    }
}

/// One accepted write of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The blob's name: session and `.json`.
    pub name: String,
    /// The version it made.
    pub etag: String,
    pub at: OffsetDateTime,
    /// Of the bytes.
    pub sha256: String,
    /// What it says of itself.
    pub mark: Mark,
}

/// A blob at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub etag: String,
    /// Of the bytes.
    pub sha256: String,
    /// What it says of itself.
    pub mark: Mark,
}

/// A fallback request that the Logic App accepted: an e-mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mailed {
    /// `failure.messageId`.
    pub message_id: Option<String>,
    /// `failure.sessionId`.
    pub session: Option<String>,
    /// `failure.sequenceNumber`.
    pub sequence: Option<u64>,
    /// Of the bytes in `body`, when all of them are there.
    pub sha256: Option<String>,
    /// Whether it was mailed as no order: `failure.kind`.
    pub is_unreadable: bool,
    /// The cart in the order.
    pub cart: Option<Cart>,
}

impl Mailed {
    /// Reads a fallback request, as an object or as the text of one.
    #[must_use]
    pub fn read(body: &Value) -> Self {
        let parsed = body
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let body: &Value = parsed.as_ref().unwrap_or(body);
        let failure = body.get("failure");
        let text = |key: &str| Some(failure?.get(key)?.as_str()?.to_owned());
        let bytes = body.get("body").and_then(bytes);
        Self {
            message_id: text("messageId"),
            session: text("sessionId"),
            sequence: failure.and_then(|failure| failure.get("sequenceNumber")?.as_u64()),
            cart: bytes.as_deref().and_then(Cart::of_order),
            sha256: bytes.map(|bytes| sha256(&bytes)),
            is_unreadable: text("kind").as_deref() == Some("unreadable"),
        }
    }
}

/// The bytes that are mailed; none when they are not all there.
fn bytes(body: &Value) -> Option<Vec<u8>> {
    if body.get("encoding")?.as_str()? != "base64" {
        return None;
    }
    let bytes = STANDARD.decode(body.get("data")?.as_str()?).ok()?;
    let length = u64::try_from(bytes.len()).ok()?;
    (body.get("length")?.as_u64()? == length).then_some(bytes)
}

/// A cart as it is shown, or as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cart {
    /// Product and quantity, in their order.
    pub lines: Vec<(u64, u64)>,
    /// Whether the order is placed.
    pub complete: bool,
}

impl Cart {
    /// The cart in an order's JSON; none when it is something else.
    #[must_use]
    pub fn of_order(json: &[u8]) -> Option<Self> {
        let order: Value = serde_json::from_slice(json).ok()?;
        let products = order.get("products")?.as_array()?.iter();
        let lines = products.map(|product| {
            Some((
                product.get("id")?.as_u64()?,
                product.get("quantity")?.as_u64()?,
            ))
        });
        Some(Self {
            lines: lines.collect::<Option<_>>()?,
            complete: order.get("complete")?.as_bool()?,
        })
    }
}

impl fmt::Display for Cart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|(id, quantity)| format!("{quantity} × product {id}"))
            .collect();
        let state = if self.complete { "complete" } else { "open" };
        write!(f, "[{}] ({state})", lines.join(", "))
    }
}

/// A message that is still in the queue, or dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub sequence: u64,
    /// `MessageId`.
    pub message_id: Option<String>,
    /// `SessionId`.
    pub session: Option<String>,
}

/// Everything the judge knows.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What was sent.
    pub sent: Vec<Sent>,
    /// Writes of blobs in the order in which they happened.
    pub writes: Vec<Write>,
    /// Whether these are all writes: a stack that was killed takes a little of its history along.
    pub writes_are_complete: bool,
    /// Whether nobody else sends to the stack: then each blob is ours to explain. Of a stack that
    /// others use, too, their sessions are noted and not judged.
    pub alone: bool,
    /// The blobs of our sessions at the end, and those that were not there before, by name.
    pub blobs: BTreeMap<String, Blob>,
    /// Every blob's name before the first message was sent.
    pub names_before: BTreeSet<String>,
    /// Every blob's name at the end.
    pub names_after: BTreeSet<String>,
    /// What was mailed.
    pub mailed: Vec<Mailed>,
    /// What waits or is being delivered.
    pub queued: Vec<Waiting>,
    /// What was dead-lettered.
    pub dead: Vec<Waiting>,
}

impl Evidence {
    /// What the queue said 201 to.
    pub fn accepted(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(|sent| sent.fate == Fate::Accepted)
    }
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

/// The name of a session's blob. Ours are hexadecimal digits: nothing has to be escaped.
#[must_use]
pub fn blob_name(session: &str) -> String {
    format!("{session}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read() {
        let cart =
            Cart::of_order(br#"{"id":"S","products":[{"id":8,"quantity":2}],"complete":true}"#);
        assert_eq!(
            cart,
            Some(Cart {
                lines: vec![(8, 2)],
                complete: true
            })
        );
        assert_eq!(Cart::of_order(b"{}"), None);
    }

    #[test]
    fn a_fallback_request_is_read_as_an_object_and_as_text() {
        let body = serde_json::json!({
            "body": {"encoding": "base64", "data": "eyJpZCI6IlMifQ==", "length": 10},
            "failure": {
                "kind": "notConfirmed", "messageId": "m", "sessionId": "S", "sequenceNumber": 7,
            },
        });
        let read = Mailed::read(&body);
        assert_eq!(read.sha256, Some(sha256(br#"{"id":"S"}"#)));
        assert!(!read.is_unreadable);
        assert_eq!(
            (read.message_id.as_deref(), read.sequence),
            (Some("m"), Some(7))
        );
        assert_eq!(Mailed::read(&Value::from(body.to_string())), read);
    }

    #[test]
    fn the_bytes_of_a_mail_are_read_when_they_are_whole() {
        let read = |encoding: &str, data: &str, length: usize| {
            let body = serde_json::json!({"encoding": encoding, "data": data, "length": length});
            let failure = serde_json::json!({"kind": "unreadable"});
            let read = Mailed::read(&serde_json::json!({"body": body, "failure": failure}));
            assert!(read.is_unreadable);
            read.sha256
        };
        assert_eq!(read("base64", "/wA=", 2), Some(sha256(&[255, 0])));
        assert_eq!(read("base64", "/wA=", 3), None);
        assert_eq!(read("utf-8", "Zo", 2), None);
        assert_eq!(read("base64", "no base64", 9), None);
    }
}
