//! A dead letter as the REST interface hands it out: the body, and everything else in headers.
//!
//! Spec: "Peek-Lock Message" of the Service Bus REST API.

mod broker_time;
mod properties;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use order_items_reserver::{
    invocation::is_traceparent,
    order::{Delivery, SequenceNumber},
};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION};
use serde_json::Value;
use url::Url;

pub use broker_time::{BrokerTimeError, parse as parse_broker_time};
use properties::Broker;

/// How often a lock is renewed when the broker does not say how long it lasts, and at the least.
const RENEWAL_MAX: Duration = Duration::from_secs(30);
const RENEWAL_MIN: Duration = Duration::from_millis(200);

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
    /// The media type of the body, by the publisher's word.
    pub content_type: Option<String>,
    /// The broker's properties as they came, without those of the lock.
    pub broker: BTreeMap<String, Value>,
    /// The publisher's own properties.
    pub custom: BTreeMap<String, Value>,
}

/// The lock on one letter.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Where the letter is settled.
    pub place: Place,
    /// How often to renew it: twice within its duration.
    pub renewal: Duration,
}

/// Where a locked letter is settled.
#[derive(Clone, Debug)]
pub struct Place {
    /// `Location`, when the broker named one.
    pub location: Option<Url>,
    /// The letter's number.
    pub sequence: u64,
    /// The lock's token.
    pub token: String,
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
        let (broker, mut all) = properties::broker(headers)?;
        for of_the_lock in ["LockToken", "LockedUntilUtc", "State"] {
            all.remove(of_the_lock);
        }
        let custom = properties::custom(headers);
        let place = Place {
            location: text(headers, &LOCATION).and_then(|text| Url::parse(&text).ok()),
            sequence: broker.sequence_number,
            token: broker.lock_token.clone().ok_or(LetterError::NoLock)?,
        };
        let lock = Lock {
            place,
            renewal: renewal(&broker, text(headers, &DATE).as_deref()),
        };
        let word = |name| Some(properties::find(&custom, name)?.as_str()?.to_owned());
        let traceparent = broker
            .correlation_id
            .clone()
            .filter(|id| is_traceparent(id));
        let traceparent =
            traceparent.or_else(|| word("Diagnostic-Id").filter(|id| is_traceparent(id)));
        let enqueued = broker.enqueued_time_utc.as_deref();
        let delivery = Delivery {
            body,
            message_id: broker.message_id,
            session_id: broker.session_id,
            sequence_number: Some(SequenceNumber(broker.sequence_number)),
            enqueued: enqueued.and_then(|text| parse_broker_time(text).ok().map(Into::into)),
            delivery_count: broker.delivery_count,
            traceparent,
        };
        let letter = Self {
            delivery,
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
    pub fn displaced(&self) -> Option<String> {
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
fn renewal(broker: &Broker, date: Option<&str>) -> Duration {
    let end = broker.locked_until_utc.as_deref();
    let left = || Some(parse_broker_time(end?).ok()? - parse_broker_time(date?).ok()?);
    let left = left().and_then(|left| Duration::try_from(left).ok());
    left.map_or(RENEWAL_MAX, |left| {
        (left / 2).clamp(RENEWAL_MIN, RENEWAL_MAX)
    })
}

fn text(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
