//! What the broker says of the message, as the host writes it: JSON texts within JSON strings,
//! numbers with and without quotes, times without a zone.

use std::str::FromStr;

use azure_app::trace::TraceContext;
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
    #[serde(borrow)]
    message_id_array: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id_array: Option<&'a RawValue>,
    #[serde(borrow)]
    sequence_number_array: Option<&'a RawValue>,
    #[serde(borrow)]
    enqueued_time_array: Option<&'a RawValue>,
    #[serde(borrow)]
    enqueued_time_utc_array: Option<&'a RawValue>,
    #[serde(borrow)]
    delivery_count_array: Option<&'a RawValue>,
    #[serde(borrow)]
    correlation_id_array: Option<&'a RawValue>,
    #[serde(borrow)]
    application_properties_array: Option<&'a RawValue>,
}

/// A property of a message: JSON, or a text that needs no reading.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl Value<'_> {
    /// As a text; JSON is read by `read`.
    fn text(self, read: impl Fn(&RawValue) -> Option<String>) -> Option<String> {
        match self {
            Self::Json(json) => read(json),
            Self::Text(text) => Some(text.to_owned()),
        }
    }
}

/// The properties that matter, of one message.
pub(super) struct Properties<'a> {
    message_id: Option<Value<'a>>,
    session_id: Option<Value<'a>>,
    sequence_number: Option<Value<'a>>,
    enqueued_time: Option<Value<'a>>,
    enqueued_time_utc: Option<Value<'a>>,
    delivery_count: Option<Value<'a>>,
    correlation_id: Option<Value<'a>>,
    application_properties: Option<Value<'a>>,
}

/// Where publishers write their trace: `Diagnostic-Id` is what Microsoft's clients write and the
/// host continues. Over REST a property is a header, whose name many a client writes in lower case.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ApplicationProperties<'a> {
    #[serde(borrow, rename = "Diagnostic-Id")]
    diagnostic_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "diagnostic-id")]
    diagnostic_id_lowered: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow, rename = "Traceparent")]
    traceparent_titled: Option<&'a RawValue>,
}

impl ApplicationProperties<'_> {
    /// The first that is one.
    fn trace(&self) -> Option<TraceContext> {
        let written = [
            self.diagnostic_id,
            self.diagnostic_id_lowered,
            self.traceparent,
            self.traceparent_titled,
        ];
        let mut written = written.into_iter().flatten();
        written.find_map(|value| TraceContext::parse(&once(value)?))
    }
}

impl<'a> Metadata<'a> {
    /// The properties of a single message.
    pub(super) fn of_one(&self) -> Properties<'a> {
        let json = |value: Option<&'a RawValue>| value.map(Value::Json);
        Properties {
            message_id: json(self.message_id),
            session_id: json(self.session_id),
            sequence_number: json(self.sequence_number),
            enqueued_time: json(self.enqueued_time),
            enqueued_time_utc: json(self.enqueued_time_utc),
            delivery_count: json(self.delivery_count),
            correlation_id: json(self.correlation_id),
            application_properties: json(self.application_properties),
        }
    }

    /// The lists of a batch, in the order of [`Properties::of`].
    pub(super) fn arrays(&self) -> [Option<&'a RawValue>; 8] {
        [
            self.message_id_array,
            self.session_id_array,
            self.sequence_number_array,
            self.enqueued_time_array,
            self.enqueued_time_utc_array,
            self.delivery_count_array,
            self.correlation_id_array,
            self.application_properties_array,
        ]
    }

    /// Whether it tells of one message and of no list of them.
    pub(super) fn is_of_one_message(&self) -> bool {
        let of_one = [
            self.message_id,
            self.session_id,
            self.sequence_number,
            self.enqueued_time,
            self.enqueued_time_utc,
            self.delivery_count,
        ];
        of_one.iter().any(Option::is_some) && self.arrays().iter().all(Option::is_none)
    }
}

impl<'a> Properties<'a> {
    /// Those of one message of a batch.
    pub(super) fn of(values: [Option<Value<'a>>; 8]) -> Self {
        let [
            message_id,
            session_id,
            sequence_number,
            enqueued_time,
            enqueued_time_utc,
            delivery_count,
            correlation_id,
            application_properties,
        ] = values;
        Self {
            message_id,
            session_id,
            sequence_number,
            enqueued_time,
            enqueued_time_utc,
            delivery_count,
            correlation_id,
            application_properties,
        }
    }

    /// The delivery of `body`, with the properties that `trusted` lets through, JSON read by `text`.
    pub(super) fn delivery(
        &self,
        body: Bytes,
        trusted: impl Fn(&str) -> bool,
        text: impl Fn(&RawValue) -> Option<String>,
    ) -> Delivery {
        let text = |name, value: Option<Value<'_>>| value.filter(|_| trusted(name))?.text(&text);
        Delivery {
            body,
            message_id: text("MessageId", self.message_id),
            session_id: text("SessionId", self.session_id),
            sequence_number: parsed(text("SequenceNumber", self.sequence_number)),
            enqueued: parsed(text("EnqueuedTime", self.enqueued_time))
                .or_else(|| parsed(text("EnqueuedTimeUtc", self.enqueued_time_utc))),
            delivery_count: parsed(text("DeliveryCount", self.delivery_count)),
            trace: self
                .application_properties()
                .filter(|_| trusted("ApplicationProperties"))
                .and_then(|properties| properties.trace())
                .or_else(|| TraceContext::parse(&text("CorrelationId", self.correlation_id)?)),
        }
    }

    /// An object of its own; a text is none.
    fn application_properties(&self) -> Option<ApplicationProperties<'a>> {
        match self.application_properties? {
            Value::Json(json) => serde_json::from_str(json.get()).ok(),
            Value::Text(_) => None,
        }
    }
}

/// The session named near the end of a request too long to be read whole.
#[must_use]
pub fn session_within(tail: &[u8]) -> Option<String> {
    const KEY: &[u8] = br#""SessionId":"#;
    let at = tail.windows(KEY.len()).rposition(|window| window == KEY)?;
    let (_, value) = tail.split_at(at + KEY.len());
    let mut values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
    twice(values.next()?.ok()?)
}

/// The text of a value of a single message, in any of its wrappings: `8412`, `"8412"`,
/// `"\"8412\""`.
pub(super) fn twice(value: &RawValue) -> Option<String> {
    if let Some(text) = between(r#""\""#, value.get(), r#"\"""#) {
        return Some(text.to_owned());
    }
    let text = once(value)?;
    let wrapped = text.trim_ascii_start().starts_with('"');
    let inner = wrapped.then(|| serde_json::from_str(&text).ok()).flatten();
    Some(inner.unwrap_or(text))
}

/// The text of a value within a list: `8412`, `"8412"`. The list itself was in a string already, so
/// quotes that are left are the value's own, and two sessions that differ in them are two.
pub(super) fn once(value: &RawValue) -> Option<String> {
    let json = value.get();
    if let Some(text) = between("\"", json, "\"") {
        return Some(text.to_owned());
    }
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}

/// What of a JSON text stands between these quotes, where it has no escape: it needs no reading.
pub(super) fn between<'a>(open: &str, json: &'a str, close: &str) -> Option<&'a str> {
    let text = json.strip_prefix(open)?.strip_suffix(close)?;
    (!text.as_bytes().contains(&b'\\')).then_some(text)
}

fn parsed<T: FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}
