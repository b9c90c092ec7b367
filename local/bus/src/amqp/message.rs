//! A delivery as messages of the queue: one message, or a batch of them.

use bytes::Bytes;
use fe2o3_amqp_types::definitions::AmqpError;
use fe2o3_amqp_types::messaging::message::DecodeIntoMessage;
use fe2o3_amqp_types::messaging::{Body, Message as AmqpMessage};
use fe2o3_amqp_types::primitives::Value;
use serde_amqp::read::SliceReader;

use super::nesting;
use super::properties;
use super::refusal::Refusal;
use crate::queue::Message;

/// Microsoft's message format for a batch: each Data section is a whole encoded message.
const BATCH: u32 = 0x8001_3700;

/// A message as it came.
pub(super) type Raw = AmqpMessage<Body<Value>>;

/// The messages of a delivery: all, or a refusal for all.
pub(super) fn of_delivery(format: u32, bytes: &[u8]) -> Result<Vec<Message>, Refusal> {
    let raw = decode(bytes)?;
    if format == 0 {
        return Ok(vec![convert(raw)?]);
    }
    match (format, raw.body) {
        (BATCH, Body::Data(items)) => items
            .iter()
            .map(|item| decode(&item.0).and_then(convert))
            .collect(),
        (BATCH, _) => Err(refused(
            "a batch: expected Data sections that hold one encoded message each",
        )),
        (other, _) => Err(refused(&format!(
            "message-format {other:#x}: expected 0, or {BATCH:#x} for a batch"
        ))),
    }
}

/// Reads an encoded message.
pub(super) fn decode(bytes: &[u8]) -> Result<Raw, Refusal> {
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

fn convert(raw: Raw) -> Result<Message, Refusal> {
    let properties = properties::of(&raw)?;
    Ok(Message {
        body: body(raw.body)?,
        properties,
    })
}

/// The bytes a trigger would be handed.
fn body(body: Body<Value>) -> Result<Bytes, Refusal> {
    match body {
        Body::Data(data) => {
            let sections: Vec<Vec<u8>> = data.into_iter().map(|data| data.0.into_vec()).collect();
            Ok(sections.concat().into())
        }
        Body::Empty => Ok(Bytes::new()),
        Body::Value(value) => match value.0 {
            Value::String(text) => Ok(text.into()),
            Value::Binary(bytes) => Ok(bytes.into_vec().into()),
            Value::Null => Ok(Bytes::new()),
            _ => Err(refused(
                "an amqp-value body: expected a string or binary; a Functions trigger cannot read others",
            )),
        },
        Body::Sequence(_) => Err(refused(
            "an amqp-sequence body: expected Data; a Functions trigger cannot read sequences",
        )),
    }
}

fn refused(problem: &str) -> Refusal {
    Refusal::new(AmqpError::DecodeError, problem)
}
