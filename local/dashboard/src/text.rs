//! Bytes, levels and times as people read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use host::Level;
use serde::{Serialize, Serializer};
use serde_json::Value;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339, in UTC, with all three digits of the milliseconds: times are compared as texts.
const TIMESTAMP: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The longest body that is shown, in bytes.
const BODY_MAX: usize = 64 * 1024;

/// The longest line that tells what an order holds, in characters.
const CONTENTS_MAX: usize = 80;

/// A body: text when it is UTF-8, else base64; cut when it is long.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownBody {
    encoding: &'static str,
    data: String,
    length: usize,
    truncated: bool,
}

impl ShownBody {
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let shown = bytes.get(..BODY_MAX).unwrap_or(bytes);
        let (encoding, data) = match std::str::from_utf8(bytes) {
            Ok(text) => (
                "utf-8",
                text.get(..text.floor_char_boundary(BODY_MAX))
                    .unwrap_or(text)
                    .to_owned(),
            ),
            Err(_) => ("base64", STANDARD.encode(shown)),
        };
        Self {
            encoding,
            data,
            length: bytes.len(),
            truncated: bytes.len() > BODY_MAX,
        }
    }
}

/// What an order holds, in a few words; of what is no order, the beginning.
pub(super) fn contents(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let products = json
        .as_ref()
        .and_then(|order| order.get("products")?.as_array());
    let text = match products {
        Some(products) if products.is_empty() => "empty cart".to_owned(),
        Some(products) => products.iter().map(product).collect::<Vec<_>>().join(", "),
        None => {
            let start = body.get(..4 * CONTENTS_MAX).unwrap_or(body);
            String::from_utf8_lossy(start).into_owned()
        }
    };
    cut(&text, CONTENTS_MAX)
}

fn product(product: &Value) -> String {
    let name = match (&product["name"], &product["id"]) {
        (Value::String(name), _) => name.clone(),
        (_, Value::Null) => "?".to_owned(),
        (_, id) => format!("product {id}"),
    };
    format!("{} × {name}", product["quantity"])
}

/// At most so many characters.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The level, as the page knows it.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Information => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// A time that is put into words only when somebody looks: most of what happens is forgotten unseen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamp(pub(super) OffsetDateTime);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        timestamp(self.0).serialize(serializer)
    }
}

/// What an order holds, likewise.
pub(super) fn serialize_contents<S: Serializer>(
    body: &Bytes,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    contents(body).serialize(serializer)
}

/// RFC 3339, to the millisecond; the earlier of two times is the smaller text.
pub(super) fn timestamp(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC)
        .format(TIMESTAMP)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_in_a_few_words_and_anything_else_by_its_beginning() {
        let order =
            br#"{"products":[{"id":8,"name":"Scratcher","quantity":2},{"id":3,"quantity":1}]}"#;
        assert_eq!(contents(order), "2 × Scratcher, 1 × product 3");
        assert_eq!(contents(br#"{"products":[]}"#), "empty cart");
        assert_eq!(contents(b"garbage \xff"), "garbage \u{fffd}");
        assert_eq!(
            contents("é".repeat(500).as_bytes()).chars().count(),
            CONTENTS_MAX + 1
        );
    }

    #[test]
    fn a_long_body_is_cut_between_characters_and_bytes_are_base64() {
        let long = "é".repeat(BODY_MAX);
        let body = ShownBody::from_bytes(format!("x{long}").as_bytes());
        assert!(
            body.truncated && body.data.len() == BODY_MAX - 1,
            "{}",
            body.data.len()
        );
        assert_eq!(ShownBody::from_bytes(b"\xff\xfe").data, "//4=");
    }

    #[test]
    fn the_earlier_of_two_times_is_the_smaller_text() {
        let texts = [0, 1, 40, 500, 512, 999, 1_000].map(|milliseconds| {
            timestamp(OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(milliseconds))
        });
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts[0], "1970-01-01T00:00:00.000Z");
    }
}
