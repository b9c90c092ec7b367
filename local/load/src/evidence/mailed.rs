//! A fallback request that the Logic App accepted: an e-mail.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Cart, sha256};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mailed {
    /// `failure.messageId`.
    pub message_id: Option<String>,
    /// `failure.sessionId`.
    pub session: Option<String>,
    /// `failure.sequenceNumber`.
    pub sequence: Option<u64>,
    /// Of `order` as JSON without blanks.
    pub order_sha256: Option<String>,
    /// Of the bytes in `rawBody`, when all of them are there.
    pub raw_sha256: Option<String>,
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
        let order = body.get("order").map(Value::to_string);
        Self {
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
        let read = Mailed::read(&body);
        assert_eq!(
            read.order_sha256,
            Some(sha256(br#"{"id":"S","revision":1}"#))
        );
        assert_eq!(
            (read.message_id.as_deref(), read.sequence),
            (Some("m"), Some(7))
        );
        assert_eq!(Mailed::read(&Value::from(body.to_string())), read);
    }

    #[test]
    fn the_bytes_of_an_unreadable_message_are_read_when_they_are_whole() {
        let read = |encoding: &str, data: &str, truncated: bool| {
            let raw =
                serde_json::json!({"encoding": encoding, "data": data, "truncated": truncated});
            Mailed::read(&serde_json::json!({"rawBody": raw, "failure": {}})).raw_sha256
        };
        assert_eq!(read("utf-8", "Zoë", false), Some(sha256("Zoë".as_bytes())));
        assert_eq!(read("base64", "/wA=", false), Some(sha256(&[255, 0])));
        assert_eq!(read("utf-8", "Zo", true), None);
        assert_eq!(read("base64", "no base64", false), None);
    }
}
