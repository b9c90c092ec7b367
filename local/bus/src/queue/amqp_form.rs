//! What a message was on the wire when it came over AMQP, kept so that its receivers get the same
//! bytes: the queue itself looks into none of it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Bytes in AMQP's encoding; in the journal as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AmqpBytes(pub Bytes);

impl AmqpBytes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for AmqpBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for AmqpBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        Ok(Self(bytes.into()))
    }
}

/// In which kind of section the body came: a Functions host does not bind all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BodyKind {
    /// Bytes; so is every body that came over REST.
    #[default]
    Data,
    /// An AMQP value that is a string.
    Text,
    /// Another AMQP value: a number, a map, even bytes.
    Value,
    Sequence,
}

/// The sections of a message (AMQP 1.0, 3.2) as they were sent; an absent one is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AmqpForm {
    pub kind: BodyKind,
    #[serde(skip_serializing_if = "AmqpBytes::is_empty")]
    pub header: AmqpBytes,
    #[serde(skip_serializing_if = "AmqpBytes::is_empty")]
    pub annotations: AmqpBytes,
    #[serde(skip_serializing_if = "AmqpBytes::is_empty")]
    pub properties: AmqpBytes,
    #[serde(skip_serializing_if = "AmqpBytes::is_empty")]
    pub application: AmqpBytes,
    /// All from the body on; empty where that is the message's body in one section of data.
    #[serde(skip_serializing_if = "AmqpBytes::is_empty")]
    pub body: AmqpBytes,
}

/// Application properties that a receiver changes when it gives a message back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PropertyChanges {
    pub application: Map<String, Value>,
    /// The same values as the receiver encoded them: an int must not come back as a long.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub typed: BTreeMap<String, AmqpBytes>,
}

impl PropertyChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.application.is_empty()
    }
}
