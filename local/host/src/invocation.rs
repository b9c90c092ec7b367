//! The request body of an invocation: `{"Data":{…},"Metadata":{…}}`, byte for byte as the Functions
//! host writes it.

mod body_properties;
mod metadata;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::Delivery;
use bytes::Bytes;
use serde_json::{Map, Value};
use stand_in::{Connection, newtonsoft};
use time::OffsetDateTime;
use uuid::Uuid;

use self::body_properties::write_over_metadata;
use self::metadata::metadata_of;
use super::error::HostError;
use crate::app::{DataType, FunctionApp};

/// What an invocation says beside the message: the same for every message of one host.
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
        let mut metadata = metadata_of(self, delivery, stamp);
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
