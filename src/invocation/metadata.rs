//! What the broker says of the message, as the host writes it: JSON texts within JSON strings,
//! numbers with and without quotes, times without a zone.

use std::str::FromStr;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::order::Delivery;

/// The properties that matter; the host sends some twenty more.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow)]
    enqueued_time: Option<&'a RawValue>,
    #[serde(borrow)]
    enqueued_time_utc: Option<&'a RawValue>,
    #[serde(borrow)]
    delivery_count: Option<&'a RawValue>,
    #[serde(borrow)]
    correlation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    application_properties: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct ApplicationProperties {
    #[serde(rename = "Diagnostic-Id")]
    diagnostic_id: Option<String>,
}

impl Metadata<'_> {
    /// The delivery of `body`, with the properties that `trusted` lets through.
    pub(super) fn delivery(&self, body: Bytes, trusted: impl Fn(&str) -> bool) -> Delivery {
        let text = |name, value: Option<&RawValue>| value.filter(|_| trusted(name)).and_then(text);
        Delivery {
            body,
            message_id: text("MessageId", self.message_id),
            session_id: text("SessionId", self.session_id),
            sequence_number: parsed(text("SequenceNumber", self.sequence_number)),
            enqueued: parsed(text("EnqueuedTime", self.enqueued_time))
                .or_else(|| parsed(text("EnqueuedTimeUtc", self.enqueued_time_utc))),
            delivery_count: parsed(text("DeliveryCount", self.delivery_count)),
            traceparent: text("CorrelationId", self.correlation_id)
                .filter(|id| is_traceparent(id))
                .or_else(|| self.diagnostic_id(&trusted)),
        }
    }

    fn diagnostic_id(&self, trusted: impl Fn(&str) -> bool) -> Option<String> {
        let properties = self.application_properties?;
        let properties: ApplicationProperties = serde_json::from_str(properties.get()).ok()?;
        properties
            .diagnostic_id
            .filter(|id| trusted("ApplicationProperties") && is_traceparent(id))
    }
}

/// The session named near the end of a request too long to be read whole.
#[must_use]
pub fn session_within(tail: &[u8]) -> Option<String> {
    const KEY: &[u8] = br#""SessionId":"#;
    let at = tail.windows(KEY.len()).rposition(|window| window == KEY)?;
    let (_, value) = tail.split_at(at + KEY.len());
    let mut values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
    text(values.next()?.ok()?)
}

/// The text of a value in any of its wrappings: `8412`, `"8412"`, `"\"8412\""`.
fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => {
            let text: String = serde_json::from_str(json).ok()?;
            let wrapped = text.trim_ascii_start().starts_with('"');
            let inner = wrapped.then(|| serde_json::from_str(&text).ok()).flatten();
            Some(inner.unwrap_or(text))
        }
        b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}

fn parsed<T: FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}

/// `00-<32 hex>-<16 hex>-<2 hex>`: W3C Trace Context, level 1, §3.2.
#[must_use]
pub fn is_traceparent(text: &str) -> bool {
    let mut fields = text.split('-');
    let lengths = [2, 32, 16, 2];
    let well_formed = lengths.iter().all(|length| {
        fields.next().is_some_and(|field| {
            field.len() == *length
                && field
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
        })
    });
    well_formed && fields.next().is_none()
}
