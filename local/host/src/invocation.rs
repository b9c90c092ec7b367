//! The request body of an invocation: `{"Data":{…},"Metadata":{…}}`, byte for byte as the Functions
//! host writes it.
//!
//! `metadata` has the keys and their order, `body_properties` what a body in text mode does to them,
//! `batch` those of many messages in one invocation.

mod batch;
mod body_properties;
mod metadata;

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::Delivery;
use bytes::Bytes;
use serde_json::Value;
use stand_in::{Connection, newtonsoft};
use time::OffsetDateTime;
use uuid::Uuid;

use self::body_properties::write_over_metadata;
use self::metadata::Metadata;
use super::error::HostError;
use crate::app::{DataType, FunctionApp};
use crate::newtonsoft::write_text;

/// What an invocation says beside the message: the same for every message of one host, but for the
/// session's lock.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub function: String,
    /// The binding's name: the key of the body in `Data`.
    pub binding: String,
    pub data_type: DataType,
    /// The broker's host name.
    pub namespace: String,
    /// Identifies the host's Service Bus client.
    pub client_id: Uuid,
    /// When the session lock ends; `None` on a queue without sessions.
    pub session_locked_until: Option<OffsetDateTime>,
}

/// What is new in every invocation, also of the same message.
#[derive(Debug, Clone, Copy)]
pub struct InvocationStamp {
    pub utc_now: OffsetDateTime,
    pub rand_guid: Uuid,
}

impl InvocationStamp {
    #[must_use]
    pub fn new() -> Self {
        Self {
            utc_now: OffsetDateTime::now_utc(),
            rand_guid: Uuid::new_v4(),
        }
    }
}

impl Default for InvocationStamp {
    fn default() -> Self {
        Self::new()
    }
}

impl Envelope {
    /// What the app's files say of its function, and its connection of the broker.
    pub(super) fn for_app(app: &FunctionApp) -> Result<Self, HostError> {
        let text = app.setting(&app.connection, "the trigger's connection names it")?;
        let connection = Connection::parse(text).map_err(|source| HostError::Connection {
            name: app.connection.clone(),
            source,
        })?;
        Ok(Self {
            function: app.function.clone(),
            binding: app.binding.clone(),
            data_type: app.data_type,
            namespace: connection.host,
            client_id: Uuid::new_v4(),
            session_locked_until: None,
        })
    }

    /// The request body for one delivery.
    #[must_use]
    pub fn encode(&self, delivery: &Delivery, stamp: &InvocationStamp) -> Bytes {
        let body = &delivery.accepted.message.body;
        let mut metadata = self.metadata(delivery, stamp);
        if self.data_type == DataType::String {
            write_over_metadata(&String::from_utf8_lossy(body), &mut metadata);
        }
        self.invocation(&self.data(body), &metadata)
    }

    /// The request body for many deliveries in one invocation.
    #[must_use]
    pub fn encode_batch(&self, deliveries: &[Delivery], stamp: &InvocationStamp) -> Bytes {
        let bodies = deliveries.iter();
        let bodies = bodies.map(|delivery| self.data(&delivery.accepted.message.body));
        let mut metadata = Metadata::of_receiver(self);
        metadata.arrays(deliveries);
        metadata.system(&self.function, stamp);
        self.invocation(&bodies.collect(), &metadata)
    }

    /// A body as the function's parameter takes it.
    fn data(&self, body: &[u8]) -> Value {
        match self.data_type {
            DataType::Binary => Value::String(STANDARD.encode(body)),
            DataType::String => Value::String(String::from_utf8_lossy(body).into_owned()),
        }
    }

    fn invocation(&self, data: &Value, metadata: &Metadata) -> Bytes {
        // Of all values, the bytes of one message alone are not encoded twice.
        let data = match (self.data_type, data) {
            (DataType::Binary, Value::String(_)) => Cow::Borrowed(data),
            _ => Cow::Owned(newtonsoft::value(data)),
        };
        let mut json = String::from("{\"Data\":{");
        write_text(&self.binding, &mut json);
        json.push(':');
        json.push_str(&newtonsoft::to_string(&data));
        json.push_str("},\"Metadata\":");
        metadata.write(&mut json);
        json.push('}');
        json.into()
    }

    /// The broker's properties, in the order the host sends them.
    fn metadata(&self, delivery: &Delivery, stamp: &InvocationStamp) -> Metadata {
        let accepted = &delivery.accepted;
        let properties = &accepted.message.properties;
        let mut metadata = Metadata::of_receiver(self);
        metadata.value("DeliveryCount", &delivery.delivery_count.into());
        metadata.value("LockToken", &delivery.lock_token.to_string().into());
        metadata.time("ExpiresAt", accepted.expires);
        metadata.time("EnqueuedTime", accepted.enqueued);
        metadata.text("MessageId", properties.message_id.as_deref());
        metadata.text("ContentType", properties.content_type.as_deref());
        metadata.text("ReplyTo", properties.reply_to.as_deref());
        metadata.value("SequenceNumber", &accepted.sequence.into());
        metadata.text("To", properties.to.as_deref());
        metadata.text("Subject", properties.label.as_deref());
        metadata.text("Label", properties.label.as_deref());
        metadata.text("CorrelationId", properties.correlation_id.as_deref());
        let application = properties.application.clone().into();
        metadata.value("ApplicationProperties", &application);
        metadata.value("UserProperties", &application);
        metadata.text("SessionId", properties.session_id.as_deref());
        let reply_to_session = properties.reply_to_session_id.as_deref();
        metadata.text("ReplyToSessionId", reply_to_session);
        metadata.text("PartitionKey", properties.partition_key.as_deref());
        metadata.system(&self.function, stamp);
        metadata
    }
}

/// The request body for one delivery to `OrderItemsReserver`, for tests that call a handler
/// themselves.
#[must_use]
pub fn encode_invocation(delivery: &Delivery, data_type: DataType) -> Bytes {
    Envelope::for_tests(data_type).encode(delivery, &InvocationStamp::new())
}

/// The same for many deliveries in one invocation.
#[must_use]
pub fn encode_batch(deliveries: &[Delivery], data_type: DataType) -> Bytes {
    Envelope::for_tests(data_type).encode_batch(deliveries, &InvocationStamp::new())
}

impl Envelope {
    fn for_tests(data_type: DataType) -> Self {
        Self {
            function: "OrderItemsReserver".to_owned(),
            binding: "order".to_owned(),
            data_type,
            namespace: "localhost".to_owned(),
            client_id: Uuid::nil(),
            session_locked_until: None,
        }
    }
}
