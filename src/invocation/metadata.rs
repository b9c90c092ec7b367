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

/// The properties that matter, in one order: of a batch their lists, of one of its messages their
/// values.
pub(super) type Properties<'a> = [Option<&'a RawValue>; 8];

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
    /// That of one message of a batch.
    pub(super) fn of(values: Properties<'a>) -> Self {
        let [
            message,
            session,
            number,
            time,
            utc,
            count,
            correlation,
            properties,
        ] = values;
        Self {
            message_id: message,
            session_id: session,
            sequence_number: number,
            enqueued_time: time,
            enqueued_time_utc: utc,
            delivery_count: count,
            correlation_id: correlation,
            application_properties: properties,
            ..Self::default()
        }
    }

    /// The lists of a batch.
    pub(super) fn arrays(&self) -> Properties<'a> {
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

    /// The delivery of `body`, with the properties that `trusted` lets through, each read by
    /// `text`.
    pub(super) fn delivery(
        &self,
        body: Bytes,
        trusted: impl Fn(&str) -> bool,
        text: impl Fn(&RawValue) -> Option<String>,
    ) -> Delivery {
        let text = |name, value: Option<&RawValue>| value.filter(|_| trusted(name)).and_then(&text);
        Delivery {
            body,
            message_id: text("MessageId", self.message_id),
            session_id: text("SessionId", self.session_id),
            sequence_number: parsed(text("SequenceNumber", self.sequence_number)),
            enqueued: parsed(text("EnqueuedTime", self.enqueued_time))
                .or_else(|| parsed(text("EnqueuedTimeUtc", self.enqueued_time_utc))),
            delivery_count: parsed(text("DeliveryCount", self.delivery_count)),
            trace: self
                .properties()
                .filter(|_| trusted("ApplicationProperties"))
                .and_then(|properties| properties.trace())
                .or_else(|| TraceContext::parse(&text("CorrelationId", self.correlation_id)?)),
        }
    }

    fn properties(&self) -> Option<ApplicationProperties<'a>> {
        serde_json::from_str(self.application_properties?.get()).ok()
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
