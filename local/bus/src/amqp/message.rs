//! A delivery as messages of the queue: one message, or a batch of them.

use bytes::Bytes;
use fe2o3_amqp_types::definitions::AmqpError;
use fe2o3_amqp_types::messaging::annotations::OwnedKey;
use fe2o3_amqp_types::messaging::message::DecodeIntoMessage;
use fe2o3_amqp_types::messaging::{Body, Message as AmqpMessage, MessageId};
use fe2o3_amqp_types::primitives::{SimpleValue, Value};
use serde_amqp::read::SliceReader;
use serde_json::Value as Json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::nesting;
use super::refusal::AmqpRefusal;
use super::sections::form_of;
use crate::queue::{AmqpBytes, AmqpForm, ID_MAX, Message, Properties};

/// Microsoft's message format for a batch: each Data section is a whole encoded message.
const BATCH: u32 = 0x8001_3700;

pub(super) type RawMessage = AmqpMessage<Body<Value>>;

/// The messages of a delivery: all, or a refusal for all.
pub(super) fn of_delivery(format: u32, bytes: &Bytes) -> Result<Vec<Message>, AmqpRefusal> {
    if format == 0 {
        return Ok(vec![of_bytes(bytes)?]);
    }
    match (format, decode(bytes)?.body) {
        (BATCH, Body::Data(items)) => items
            .into_iter()
            .map(|item| of_bytes(&item.0.into_vec().into()))
            .collect(),
        (BATCH, _) => Err(refused(
            "a batch: expected Data sections that hold one encoded message each",
        )),
        (other, _) => Err(refused(&format!(
            "message-format {other:#x}: expected 0, or {BATCH:#x} for a batch"
        ))),
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<RawMessage, AmqpRefusal> {
    nesting::check_all(bytes).map_err(|malformed| refused(&malformed.to_string()))?;
    Body::<Value>::decode_message_from_reader(SliceReader::new(bytes))
        .map_err(|error| refused(&format!("the message cannot be read: {error}")))
}

/// The text of a body that is one.
pub(super) fn text(body: &Body<Value>) -> Option<String> {
    match body {
        Body::Value(value) => match &value.0 {
            Value::String(text) => Some(text.clone()),
            _ => None,
        },
        Body::Data(data) => {
            let bytes: Vec<u8> = data
                .iter()
                .flat_map(|data| data.0.iter().copied())
                .collect();
            String::from_utf8(bytes).ok()
        }
        _ => None,
    }
}

/// One encoded message.
pub(super) fn of_bytes(bytes: &Bytes) -> Result<Message, AmqpRefusal> {
    let mut raw = decode(bytes)?;
    let mut form =
        form_of(bytes, &raw.body).map_err(|malformed| refused(&malformed.to_string()))?;
    // A message without an id gets one: Node's client cannot settle what has none.
    let named = raw.properties.get_or_insert_default();
    if named.message_id.is_none() {
        let id = Uuid::new_v4().simple().to_string();
        named.message_id = Some(MessageId::String(id));
        let encoded = serde_amqp::to_vec(named).map_err(|error| refused(&error.to_string()))?;
        form.properties = AmqpBytes(encoded.into());
    }
    let properties = properties(&raw)?;
    Ok(Message {
        body: body(raw.body, &form, bytes),
        properties,
        amqp: Some(form),
        ..Message::default()
    })
}

/// The bytes that a person or a trigger sees: of a string its text, and what has no bytes of its
/// own as AMQP encodes it.
fn body(body: Body<Value>, form: &AmqpForm, whole: &Bytes) -> Bytes {
    match body {
        // In one section without anything behind it: the last bytes of the whole, and no copy.
        Body::Data(data) if form.body.is_empty() => {
            let length: usize = data.iter().map(|data| data.0.len()).sum();
            whole.slice(whole.len().saturating_sub(length)..)
        }
        Body::Data(data) => {
            let sections: Vec<Vec<u8>> = data.into_iter().map(|data| data.0.into_vec()).collect();
            sections.concat().into()
        }
        Body::Empty => Bytes::new(),
        Body::Value(value) => match value.0 {
            Value::String(text) => text.into(),
            Value::Binary(bytes) => bytes.into_vec().into(),
            Value::Null => Bytes::new(),
            _ => form.body.0.clone(),
        },
        Body::Sequence(_) => form.body.0.clone(),
    }
}

fn refused(problem: &str) -> AmqpRefusal {
    AmqpRefusal::new(AmqpError::DecodeError, problem)
}

/// The properties of a message as the queue keeps them.
fn properties(raw: &RawMessage) -> Result<Properties, AmqpRefusal> {
    let mut properties = Properties {
        scheduled_enqueue: scheduled(raw)?,
        ..Properties::default()
    };
    if let Some(from) = &raw.properties {
        properties.message_id = from.message_id.as_ref().map(id);
        properties.correlation_id = from.correlation_id.as_ref().map(id);
        properties.session_id.clone_from(&from.group_id);
        properties.label.clone_from(&from.subject);
        properties.content_type = from
            .content_type
            .as_ref()
            .map(|name| name.as_str().to_owned());
        properties.reply_to.clone_from(&from.reply_to);
        properties
            .reply_to_session_id
            .clone_from(&from.reply_to_group_id);
        properties.to.clone_from(&from.to);
    }
    if let Some(Value::String(key)) = annotation(raw, "x-opt-partition-key") {
        properties.partition_key = Some(key.clone());
    }
    let header = raw.header.as_ref();
    let milliseconds = header.and_then(|header| header.ttl);
    properties.time_to_live = milliseconds.map(|ttl| f64::from(ttl) / 1000.0);
    for (name, value) in raw
        .application_properties
        .iter()
        .flat_map(|all| all.0.iter())
    {
        let value = json(value).ok_or_else(|| {
            invalid(&format!(
                "application property {name:?}: a value of this AMQP type is not carried here"
            ))
        })?;
        properties.application.insert(name.clone(), value);
    }
    check(&properties)?;
    Ok(properties)
}

fn scheduled(raw: &RawMessage) -> Result<Option<OffsetDateTime>, AmqpRefusal> {
    let expected = "x-opt-scheduled-enqueue-time: expected a timestamp before the year 10000";
    match annotation(raw, "x-opt-scheduled-enqueue-time") {
        None => Ok(None),
        Some(Value::Timestamp(time)) => {
            let time = Duration::milliseconds(time.milliseconds());
            let time = OffsetDateTime::UNIX_EPOCH.checked_add(time);
            time.map(Some).ok_or_else(|| invalid(expected))
        }
        Some(_) => Err(invalid(expected)),
    }
}

/// Refuses what the broker would refuse.
fn check(properties: &Properties) -> Result<(), AmqpRefusal> {
    let limited = [
        ("message-id", &properties.message_id),
        ("group-id (SessionId)", &properties.session_id),
        ("reply-to-group-id", &properties.reply_to_session_id),
        ("x-opt-partition-key", &properties.partition_key),
    ];
    for (name, value) in limited {
        let length = value.as_ref().map(|text| text.chars().count());
        if let Some(length) = length.filter(|length| *length > ID_MAX) {
            let problem = format!("{name}: expected at most {ID_MAX} characters, found {length}");
            return Err(invalid(&problem));
        }
    }
    match (&properties.partition_key, &properties.session_id) {
        (Some(partition), Some(session)) if partition != session => Err(invalid(
            "x-opt-partition-key must equal group-id (SessionId) when both are set",
        )),
        _ => Ok(()),
    }
}

fn annotation<'a>(raw: &'a RawMessage, name: &str) -> Option<&'a Value> {
    let annotations = raw.message_annotations.as_ref()?;
    let mut pairs = annotations.0.iter();
    pairs
        .find(|(key, _)| matches!(key, OwnedKey::Symbol(symbol) if symbol.as_str() == name))
        .map(|(_, value)| value)
        .filter(|value| **value != Value::Null)
}

/// An id as the text that .NET's client, and so the Functions host, makes of it.
fn id(id: &MessageId) -> String {
    match id {
        MessageId::String(text) => text.clone(),
        MessageId::Ulong(number) => number.to_string(),
        MessageId::Uuid(uuid) => Uuid::from_bytes(*uuid.as_inner()).to_string(),
        MessageId::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
    }
}

/// A value as the queue carries it; nothing for what JSON has no word for.
pub(super) fn json(value: &SimpleValue) -> Option<Json> {
    Some(match value {
        SimpleValue::Null => Json::Null,
        SimpleValue::Bool(value) => Json::from(*value),
        SimpleValue::Ubyte(value) => Json::from(*value),
        SimpleValue::Ushort(value) => Json::from(*value),
        SimpleValue::Uint(value) => Json::from(*value),
        SimpleValue::Ulong(value) => Json::from(*value),
        SimpleValue::Byte(value) => Json::from(*value),
        SimpleValue::Short(value) => Json::from(*value),
        SimpleValue::Int(value) => Json::from(*value),
        SimpleValue::Long(value) => Json::from(*value),
        SimpleValue::Float(value) => finite(value.into_inner().into())?,
        SimpleValue::Double(value) => finite(value.into_inner())?,
        SimpleValue::Char(value) => Json::from(value.to_string()),
        SimpleValue::String(value) => Json::from(value.as_str()),
        SimpleValue::Symbol(value) => Json::from(value.as_str()),
        SimpleValue::Uuid(value) => Json::from(Uuid::from_bytes(*value.as_inner()).to_string()),
        SimpleValue::Timestamp(value) => {
            let time = OffsetDateTime::UNIX_EPOCH
                .checked_add(Duration::milliseconds(value.milliseconds()))?;
            Json::from(time.format(&Rfc3339).ok()?)
        }
        _ => return None,
    })
}

fn finite(value: f64) -> Option<Json> {
    serde_json::Number::from_f64(value).map(Json::Number)
}

fn invalid(problem: &str) -> AmqpRefusal {
    AmqpRefusal::new(AmqpError::InvalidField, problem)
}
