//! The request body of an invocation: `{"Data":{…},"Metadata":{…}}`, byte for byte as the Functions
//! host writes it.

mod body_properties;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::Delivery;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use stand_in::{Connection, newtonsoft};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use self::body_properties::write_over_metadata;
use super::error::HostError;
use crate::app::{DataType, FunctionApp};

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

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
        let data = match self.data_type {
            DataType::Binary => Value::String(STANDARD.encode(body)),
            DataType::String => {
                let text = String::from_utf8_lossy(body);
                write_over_metadata(&text, &mut metadata);
                newtonsoft::value(&Value::from(text))
            }
        };
        // The host drops these after everything is in, the body's own keys included.
        metadata.retain(|key, _| !key.to_ascii_lowercase().ends_with("trigger"));
        let invocation = Value::from_iter([
            (
                "Data",
                Value::Object(Map::from_iter([(self.binding.clone(), data)])),
            ),
            ("Metadata", Value::Object(metadata)),
        ]);
        newtonsoft::to_string(&invocation).into()
    }

    /// The broker's properties, in the order the host sends them.
    fn metadata(&self, delivery: &Delivery, stamp: &InvocationStamp) -> Map<String, Value> {
        let accepted = &delivery.accepted;
        let properties = &accepted.message.properties;
        let mut metadata = Metadata(Map::new());
        metadata.receiver(self);
        metadata.value("DeliveryCount", delivery.delivery_count);
        metadata.value("LockToken", delivery.lock_token.to_string());
        metadata.time("ExpiresAt", accepted.expires);
        metadata.time("EnqueuedTime", accepted.enqueued);
        metadata.text("MessageId", properties.message_id.as_deref());
        metadata.text("ContentType", properties.content_type.as_deref());
        metadata.text("ReplyTo", properties.reply_to.as_deref());
        metadata.value("SequenceNumber", accepted.sequence);
        metadata.text("To", properties.to.as_deref());
        metadata.text("Subject", properties.label.as_deref());
        metadata.text("Label", properties.label.as_deref());
        metadata.text("CorrelationId", properties.correlation_id.as_deref());
        metadata.raw(
            "ApplicationProperties",
            properties.application.clone().into(),
        );
        metadata.raw("UserProperties", properties.application.clone().into());
        metadata.text("SessionId", properties.session_id.as_deref());
        metadata.text(
            "ReplyToSessionId",
            properties.reply_to_session_id.as_deref(),
        );
        metadata.text("PartitionKey", properties.partition_key.as_deref());
        let sys = json!({
            "MethodName": self.function,
            "UtcNow": format!("{}Z", ticks(stamp.utc_now)),
            "RandGuid": stamp.rand_guid.to_string(),
        });
        metadata.raw("sys", sys);
        metadata.0
    }
}

/// The request body for one delivery to `OrderItemsReserver`, for tests that call a handler
/// themselves.
#[must_use]
pub fn encode_invocation(delivery: &Delivery, data_type: DataType) -> Bytes {
    let envelope = Envelope {
        function: "OrderItemsReserver".to_owned(),
        binding: "order".to_owned(),
        data_type,
        namespace: "localhost".to_owned(),
        client_id: Uuid::nil(),
        session_locked_until: None,
    };
    envelope.encode(delivery, &InvocationStamp::new())
}

struct Metadata(Map<String, Value>);

impl Metadata {
    fn receiver(&mut self, envelope: &Envelope) {
        let actions = match envelope.session_locked_until {
            Some(end) => json!({ "SessionLockedUntil": format!("{}+00:00", ticks(end)) }),
            None => json!({}),
        };
        for key in [
            "MessageReceiver",
            "MessageSession",
            "MessageActions",
            "SessionActions",
        ] {
            self.raw(key, actions.clone());
        }
        self.raw("ReceiveActions", json!({}));
        let client = json!({
            "FullyQualifiedNamespace": envelope.namespace,
            "IsClosed": false,
            "TransportType": 0,
            "Identifier": format!("{}-{}", envelope.namespace, envelope.client_id),
        });
        self.raw("Client", client);
    }

    fn raw(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.raw(key, newtonsoft::value(&value.into()));
    }

    /// A property that is not set is left out.
    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.value(key, text);
        }
    }

    /// Twice: without a zone, which is UTC all the same, and with one. Whole seconds.
    fn time(&mut self, key: &str, time: OffsetDateTime) {
        // Formatting numbers cannot fail: the components are all there.
        let text = time.format(SECONDS).unwrap_or_default();
        self.raw(&format!("{key}Utc"), text.as_str().into());
        self.raw(key, format!("{text}+00:00").into());
    }
}

/// Down to .NET's ticks of 100 ns, without trailing zeros.
fn ticks(time: OffsetDateTime) -> String {
    let seconds = time.format(SECONDS).unwrap_or_default();
    let text = format!("{seconds}.{:07}", time.nanosecond() / 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn fractions_are_ticks_without_trailing_zeros() {
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:12.345678949 UTC)),
            "2026-05-04T09:30:12.3456789"
        );
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:12.5 UTC)),
            "2026-05-04T09:30:12.5"
        );
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:10 UTC)),
            "2026-05-04T09:30:10"
        );
    }
}
