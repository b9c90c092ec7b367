//! A dead letter as the REST interface hands it out: the body, and everything else in headers.
//!
//! Spec: "Peek-Lock Message" of the Service Bus REST API.

mod value_body;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use order_items_reserver::azure_app::trace::TraceContext;
use order_items_reserver::order::{Delivery, Order, SequenceNumber};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION};
use serde::Deserialize;
use serde_json::Value;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use url::Url;

use value_body::value_within;

/// How often a lock is renewed when the broker does not say how long it lasts, and at the least.
const RENEWAL_MAX: Duration = Duration::from_secs(30);
const RENEWAL_MIN: Duration = Duration::from_millis(200);

/// How the REST interface writes times, as RFC 1123 does in whole seconds:
/// `Mon, 04 May 2026 09:30:10 GMT`.
const BROKER_TIME: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// A dead letter, whole.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What the function would have been given, with the letter's own number and time.
    pub delivery: Delivery,
    /// Its number: every dead letter has one.
    pub sequence: u64,
    /// The number it had in the queue it was sent to; 0 when that is this one.
    pub enqueued_sequence: u64,
    /// Why it is dead, in the broker's words.
    pub reason: Option<String>,
    /// The same at more length.
    pub description: Option<String>,
    /// In what the body was handed out, where that was not the bytes themselves.
    pub wrapped_in: Option<&'static str>,
    /// The media type of the body, by the publisher's word.
    pub content_type: Option<String>,
    /// The broker's properties as they came, without those of the lock.
    pub broker: BTreeMap<String, Value>,
    /// The publisher's own properties.
    pub custom: BTreeMap<String, Value>,
}

/// The lock on one letter: what it takes to settle it.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The URL of the locked letter (`Location`), when the broker named one.
    pub location: Option<Url>,
    /// The letter's number, for the URL otherwise.
    pub sequence: u64,
    /// `LockToken`, likewise.
    pub token: String,
    /// How often to renew it: twice within its duration.
    pub renewal: Duration,
}

/// An answer that a dead-letter queue does not give.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// Without it a letter can be neither judged nor settled.
    #[error("a dead letter without BrokerProperties")]
    NoProperties,
    /// Not JSON, or without a number.
    #[error("BrokerProperties of a dead letter: {0}")]
    Properties(serde_json::Error),
    /// Without it a letter cannot be settled.
    #[error("a dead letter without LockToken")]
    NoLock,
}

impl Letter {
    /// Reads the answer to a peek-lock.
    ///
    /// # Errors
    /// When the broker's properties, the number or the lock are missing.
    pub fn read(headers: &HeaderMap, body: Bytes) -> Result<(Self, Lock), LetterError> {
        let (broker, mut all) = broker_properties(headers)?;
        for of_the_lock in ["LockToken", "LockedUntilUtc", "State"] {
            all.remove(of_the_lock);
        }
        let custom = custom_properties(headers);
        let lock = Lock {
            location: text(headers, &LOCATION).and_then(|text| Url::parse(&text).ok()),
            sequence: broker.sequence_number,
            token: broker.lock_token.clone().ok_or(LetterError::NoLock)?,
            renewal: renewal(&broker, text(headers, &DATE).as_deref()),
        };
        let word = |name| Some(find(&custom, name)?.as_str()?.to_owned());
        let written = [
            word("Diagnostic-Id"),
            word("traceparent"),
            broker.correlation_id.clone(),
        ];
        let mut written = written.into_iter().flatten();
        let trace = written.find_map(|text| TraceContext::parse(&text));
        let enqueued = broker.enqueued_time_utc.as_deref();
        let mut delivery = Delivery {
            body,
            message_id: broker.message_id,
            session_id: broker.session_id,
            sequence_number: Some(SequenceNumber(broker.sequence_number)),
            enqueued: enqueued.and_then(broker_time).map(Into::into),
            delivery_count: broker.delivery_count,
            trace,
        };
        // Only where that makes an order: what is none goes to a person as it was handed out.
        let wrapped_in = value_within(&delivery.body).and_then(|(body, form)| {
            let within = Delivery {
                body,
                ..delivery.clone()
            };
            Order::parse(&within).ok()?;
            delivery = within;
            Some(form)
        });
        let letter = Self {
            delivery,
            wrapped_in,
            sequence: broker.sequence_number,
            enqueued_sequence: broker.enqueued_sequence_number.unwrap_or(0),
            reason: word("DeadLetterReason"),
            description: word("DeadLetterErrorDescription"),
            content_type: text(headers, &CONTENT_TYPE),
            broker: all,
            custom,
        };
        Ok((letter, lock))
    }

    /// Why the letter's place in the queue cannot be trusted, if so. Without its place an old
    /// cart could overwrite a newer one, so such a letter must not be reserved.
    #[must_use]
    pub fn doubtful_position(&self) -> Option<String> {
        if self.delivery.position().is_none() {
            return Some("the broker does not say when it was enqueued".to_owned());
        }
        let first = self.enqueued_sequence;
        (first != 0 && first != self.sequence).then(|| {
            format!("it was forwarded here and numbered anew (EnqueuedSequenceNumber {first})")
        })
    }
}

/// Measured by the broker's own clock: ours may be wrong.
fn renewal(broker: &BrokerProperties, date: Option<&str>) -> Duration {
    let end = broker.locked_until_utc.as_deref();
    let left = || Some(broker_time(end?)? - broker_time(date?)?);
    let left = left().and_then(|left| Duration::try_from(left).ok());
    left.map_or(RENEWAL_MAX, |left| {
        (left / 2).clamp(RENEWAL_MIN, RENEWAL_MAX)
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Reads the one form and no other: a time misread could bring an old cart back. The name of the
/// day must be one, but the date alone counts.
fn broker_time(text: &str) -> Option<OffsetDateTime> {
    let time = PrimitiveDateTime::parse(text, BROKER_TIME).ok()?;
    Some(time.assume_utc())
}

/// The broker's properties that matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BrokerProperties {
    sequence_number: u64,
    enqueued_sequence_number: Option<u64>,
    enqueued_time_utc: Option<String>,
    message_id: Option<String>,
    session_id: Option<String>,
    correlation_id: Option<String>,
    delivery_count: Option<u32>,
    lock_token: Option<String>,
    locked_until_utc: Option<String>,
}

/// Reads `BrokerProperties`: those that matter, and all of them as they came.
fn broker_properties(
    headers: &HeaderMap,
) -> Result<(BrokerProperties, BTreeMap<String, Value>), LetterError> {
    let header = headers.get("BrokerProperties");
    let header = header.ok_or(LetterError::NoProperties)?.as_bytes();
    let all: BTreeMap<String, Value> =
        serde_json::from_slice(header).map_err(LetterError::Properties)?;
    let broker = serde_json::from_slice(header).map_err(LetterError::Properties)?;
    Ok((broker, all))
}

/// The publisher's own properties: headers that hold a quoted text, a number or a boolean. HTTP
/// itself quotes only the entity tag; its numbers are left out by name.
fn custom_properties(headers: &HeaderMap) -> BTreeMap<String, Value> {
    const OF_HTTP: [&str; 3] = ["content-length", "age", "etag"];
    let mut custom = BTreeMap::new();
    for (name, value) in headers {
        let value = serde_json::from_slice(value.as_bytes());
        if let Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) = value
            && !OF_HTTP.contains(&name.as_str())
        {
            custom.insert(name.as_str().to_owned(), value);
        }
    }
    custom
}

/// Whatever the case of `name`: HTTP lower-cases the names of headers.
fn find<'a>(custom: &'a BTreeMap<String, Value>, name: &str) -> Option<&'a Value> {
    let mut all = custom.iter();
    all.find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_form_of_rfc_1123_in_whole_seconds() {
        let expected = Some(datetime!(2026-05-04 09:30:10 UTC));
        assert_eq!(broker_time("Mon, 04 May 2026 09:30:10 GMT"), expected);
        assert_eq!(broker_time("Tue, 04 May 2026 09:30:10 GMT"), expected);
    }

    #[test]
    fn no_other_form_is_guessed_at() {
        for text in [
            "",
            "2026-05-04T09:30:10Z",
            "Mon, 4 May 2026 09:30:10 GMT",
            "Mon, 04 May 26 09:30:10 GMT",
            "Mon, 04 May 2026 09:30:10 +0000",
            "Mon, 04 May 2026 09:30:10 CET",
            "Mon, 04 May 2026 09:30:10.5 GMT",
            "Mon, 04 May 2026 09:30 GMT",
            "Mon, 31 Feb 2026 09:30:10 GMT",
            "Mon, 04 May 2026 25:30:10 GMT",
            "Moon, 04 May 2026 09:30:10 GMT",
            " Mon, 04 May 2026 09:30:10 GMT",
            "Mon, 04 May 2026 09:30:10 GMT ",
        ] {
            assert_eq!(broker_time(text), None, "{text:?}");
        }
    }
}
