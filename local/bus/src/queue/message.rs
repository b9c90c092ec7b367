//! What a publisher sends, what a receiver is handed, and what is left of a message nobody could
//! take.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::amqp_form::{AmqpBytes, AmqpForm, BodyKind, PropertyChanges};

/// A message or a batch, bodies and properties together: what Service Bus's Standard tier takes.
pub const MESSAGE_MAX: usize = 256 * 1024;

/// Characters of an id that Service Bus keeps an index of: of messages, sessions and partitions.
pub const ID_MAX: usize = 128;

/// A message as the publisher sent it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    #[serde(with = "body")]
    pub body: Bytes,
    /// The properties the publisher set, and the message id the queue gave when there was none.
    pub properties: Properties,
    /// How it was encoded, when it came over AMQP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amqp: Option<AmqpForm>,
    /// Application properties that a receiver has changed, as it encoded them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub typed: BTreeMap<String, AmqpBytes>,
}

impl Message {
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Takes over what a receiver has changed.
    pub(super) fn change(&mut self, changes: PropertyChanges) {
        for (name, value) in changes.application {
            // Not the encoding of the value that it had.
            self.typed.remove(&name);
            self.properties.application.insert(name, value);
        }
        self.typed.extend(changes.typed);
    }

    /// In which kind of section the body came.
    #[must_use]
    pub fn body_kind(&self) -> BodyKind {
        self.amqp.as_ref().map_or(BodyKind::Data, |form| form.kind)
    }

    #[must_use]
    pub fn with_session(mut self, session: impl Into<String>) -> Self {
        self.properties.session_id = Some(session.into());
        self
    }

    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.properties.message_id = Some(id.into());
        self
    }
}

/// The message properties of Service Bus that its REST interface can set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct Properties {
    /// Identifies the message for duplicate detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// An ordinary property on a queue without sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Carries the trace context (W3C `traceparent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// `Label` over REST; receivers know it as `Subject` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The media type of the body, by the publisher's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_session_id: Option<String>,
    /// Address the publisher means; the queue does not act on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Must equal the session id when both are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// Seconds until the message expires; the queue's default is the upper limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_live: Option<f64>,
    /// Before then it is among the scheduled messages, and no receiver gets it.
    #[serde(
        rename = "ScheduledEnqueueTimeUtc",
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub scheduled_enqueue: Option<OffsetDateTime>,
    /// The publisher's own properties, typed.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub application: Map<String, Value>,
}

/// A message the queue accepted, with the broker's own properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Unique and rising, from 1; kept over redeliveries.
    pub sequence: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub enqueued: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    pub message: Message,
}

/// One hand-out of a message under a peek-lock.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub accepted: Accepted,
    /// 1 on the first hand-out.
    pub delivery_count: u32,
    /// Settles this hand-out and no other.
    pub lock_token: Uuid,
    /// When the lock ends, unless it is renewed.
    pub locked_until: OffsetDateTime,
}

/// One receiver's hold on one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLock {
    pub session_id: String,
    /// Stands for this hold and no other.
    pub token: Uuid,
    /// When the hold ends, unless it is renewed.
    pub locked_until: OffsetDateTime,
}

/// A message the queue gave up on, body and properties as they were.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub accepted: Accepted,
    pub delivery_count: u32,
    /// Of its death.
    pub at: OffsetDateTime,
    pub reason: DeadLetterReason,
}

/// One hand-out of a dead letter under a peek-lock.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadDelivery {
    /// The letter; its count includes this hand-out.
    pub letter: DeadLetter,
    /// Settles this hand-out and no other.
    pub lock_token: Uuid,
    /// When the lock ends, unless it is renewed.
    pub locked_until: OffsetDateTime,
}

/// In the broker's words, or in a receiver's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeadLetterReason {
    /// Handed out as often as the queue allows, never completed.
    MaxDeliveryCountExceeded,
    /// Its time to live ended while it waited.
    #[serde(rename = "TTLExpiredException")]
    TtlExpired,
    /// A receiver gave up on it, and may have said why.
    #[serde(rename = "byReceiver")]
    ByReceiver {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

impl DeadLetterReason {
    /// What receivers of the dead letter find as its property `DeadLetterReason`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::MaxDeliveryCountExceeded => Some("MaxDeliveryCountExceeded"),
            Self::TtlExpired => Some("TTLExpiredException"),
            Self::ByReceiver { reason, .. } => reason.as_deref(),
        }
    }

    /// And as its property `DeadLetterErrorDescription`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        match self {
            Self::MaxDeliveryCountExceeded => {
                Some("Message could not be consumed after the maximum number of delivery attempts.")
            }
            Self::TtlExpired => Some("The message expired and was dead lettered."),
            Self::ByReceiver { description, .. } => description.as_deref(),
        }
    }
}

impl std::fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason().unwrap_or("dead-lettered by its receiver"))
    }
}

/// A message's body in the journal: text when it is UTF-8, else `{"base64":"…"}`.
mod body {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, expecting = "expected a text or {\"base64\":\"…\"}")]
    enum Form {
        Text(String),
        Bytes { base64: String },
    }

    pub(super) fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(body) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let base64 = STANDARD.encode(body);
                Form::Bytes { base64 }.serialize(serializer)
            }
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(text.into()),
            Form::Bytes { base64 } => {
                let bytes = STANDARD.decode(base64).map_err(D::Error::custom)?;
                Ok(bytes.into())
            }
        }
    }
}
