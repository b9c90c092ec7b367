//! What the stack answers: the one place that knows its shapes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::load::evidence::{Mailed, Mark, Waiting, Write, sha256};
use crate::load::shop::Cart;

/// One entry of the history.
#[derive(Debug, Deserialize)]
pub(in crate::load) struct HistoryEntry {
    pub(in crate::load) container: String,
    name: String,
    pub(in crate::load) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    sha256: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl From<HistoryEntry> for Write {
    fn from(entry: HistoryEntry) -> Self {
        let mark = mark(|name| entry.metadata.get(name).cloned());
        Self {
            name: entry.name,
            etag: entry.etag,
            at: entry.at,
            sha256: entry.sha256.to_ascii_lowercase(),
            mark,
        }
    }
}

/// What a blob's metadata says.
pub(in crate::load) fn mark(value: impl Fn(&str) -> Option<String>) -> Mark {
    Mark {
        sequence: value("sequence").and_then(|text| text.parse().ok()),
        enqueued: value("enqueued").and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()),
        message_id: value("messageid"),
    }
}

/// A message that waits, or a dead letter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    sequence: u64,
    message_id: Option<String>,
    session_id: Option<String>,
}

impl From<Message> for Waiting {
    fn from(message: Message) -> Self {
        Self {
            sequence: message.sequence,
            message_id: message.message_id,
            session: message.session_id,
        }
    }
}

/// A fallback request, as an object or as the text of one.
pub(in crate::load) fn mailed(body: &Value) -> Mailed {
    let parsed = body
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let body: &Value = parsed.as_ref().unwrap_or(body);
    let failure = body.get("failure");
    let text = |key: &str| Some(failure?.get(key)?.as_str()?.to_owned());
    let order = body.get("order").map(Value::to_string);
    Mailed {
        message_id: text("messageId"),
        session: text("sessionId"),
        sequence: failure.and_then(|failure| failure.get("sequenceNumber")?.as_u64()),
        cart: order
            .as_ref()
            .and_then(|order| Cart::of_order(order.as_bytes())),
        order_sha256: order.map(|order| sha256(order.as_bytes())),
        raw_sha256: body
            .get("rawBody")
            .and_then(raw_body)
            .map(|bytes| sha256(&bytes)),
    }
}

/// The bytes of an unreadable message; none when they are not all there.
fn raw_body(raw: &Value) -> Option<Vec<u8>> {
    let data = raw.get("data")?.as_str()?;
    let bytes = match raw.get("encoding")?.as_str()? {
        "utf-8" => data.as_bytes().to_vec(),
        "base64" => STANDARD.decode(data).ok()?,
        _ => return None,
    };
    let is_whole = !raw.get("truncated")?.as_bool()?;
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_request_is_read_as_an_object_and_as_text() {
        let body = serde_json::json!({
            "order": {"id": "S", "revision": 1},
            "failure": {"messageId": "m", "sessionId": "S", "sequenceNumber": 7},
        });
        let read = mailed(&body);
        assert_eq!(
            read.order_sha256,
            Some(sha256(br#"{"id":"S","revision":1}"#))
        );
        assert_eq!(
            (read.message_id.as_deref(), read.sequence),
            (Some("m"), Some(7))
        );
        assert_eq!(mailed(&Value::from(body.to_string())), read);
    }

    #[test]
    fn the_bytes_of_an_unreadable_message_are_read_when_they_are_whole() {
        let read = |encoding: &str, data: &str, truncated: bool| {
            let raw =
                serde_json::json!({"encoding": encoding, "data": data, "truncated": truncated});
            mailed(&serde_json::json!({"rawBody": raw, "failure": {}})).raw_sha256
        };
        assert_eq!(read("utf-8", "Zoë", false), Some(sha256("Zoë".as_bytes())));
        assert_eq!(read("base64", "/wA=", false), Some(sha256(&[255, 0])));
        assert_eq!(read("utf-8", "Zo", true), None);
        assert_eq!(read("base64", "no base64", false), None);
    }

    #[test]
    fn an_entry_of_the_history_is_read() {
        let entry = r#"{"container":"orders","name":"S.json","etag":"\"0x1\"","at":"2026-05-04T09:30:10.123Z","length":2,
            "sha256":"AB","metadata":{"sequence":"12","enqueued":"2026-05-04T09:30:10Z","messageid":"m"}}"#;
        let write = Write::from(serde_json::from_str::<HistoryEntry>(entry).expect("an entry"));
        assert_eq!(write.mark.sequence, Some(12));
        assert!(write.mark.enqueued.is_some());
        assert_eq!(
            (write.sha256.as_str(), write.mark.message_id.as_deref()),
            ("ab", Some("m"))
        );
    }
}
