//! A message as its receivers get it: what the sender sent, byte for byte, between a header and
//! annotations that are the broker's.

use bytes::Bytes;
use fe2o3_amqp_types::messaging::annotations::OwnedKey;
use fe2o3_amqp_types::messaging::{
    ApplicationProperties, Data, Header, MessageAnnotations, MessageId,
    Properties as AmqpProperties,
};
use fe2o3_amqp_types::primitives::{Binary, OrderedMap, SimpleValue, Symbol, Timestamp, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use time::OffsetDateTime;

use super::source::{HandedOut, Source};
use crate::queue::{AmqpBytes, AmqpForm, Message, MessageState, Properties};

/// Annotations that the broker makes, whatever a sender says.
const OF_THE_BROKER: [&str; 8] = [
    "x-opt-sequence-number",
    "x-opt-enqueue-sequence-number",
    "x-opt-enqueued-time",
    "x-opt-locked-until",
    "x-opt-message-state",
    "x-opt-deadletter-source",
    "x-opt-lock-token",
    "x-opt-partition-key",
];

/// The whole message as it goes into a transfer.
pub(super) fn encode(handed_out: &HandedOut, source: &Source) -> Bytes {
    let message = &handed_out.accepted.message;
    let form = message.amqp.as_ref();
    let mut encoded = Vec::with_capacity(message.body.len() + 512);
    put_header(&mut encoded, handed_out, form);
    put(&mut encoded, &annotations(handed_out, form, source));
    match form {
        Some(form) => encoded.extend_from_slice(&form.properties.0),
        None => put(&mut encoded, &properties(&message.properties)),
    }
    put_application(&mut encoded, handed_out);
    match form {
        Some(form) if !form.body.is_empty() => encoded.extend_from_slice(&form.body.0),
        _ => put(&mut encoded, &Data(Binary::from(message.body.to_vec()))),
    }
    encoded.into()
}

fn put(encoded: &mut Vec<u8>, section: &impl Serialize) {
    // What is built here is of types that can all be encoded.
    if let Ok(section) = serde_amqp::to_vec(section) {
        encoded.extend(section);
    }
}

/// What a section says that was read once already when the message was sent.
fn read<T: DeserializeOwned>(section: &AmqpBytes) -> Option<T> {
    serde_amqp::from_slice(&section.0).ok()
}

/// The count is of the deliveries before this one (AMQP 1.0, 3.2.1). It is written when it is zero,
/// too, as the broker does: .NET's client takes a missing one for no count at all.
fn put_header(encoded: &mut Vec<u8>, handed_out: &HandedOut, form: Option<&AmqpForm>) {
    let sent: Option<Header> = form.and_then(|form| read(&form.header));
    let seconds = handed_out.accepted.message.properties.time_to_live;
    // A fraction of a millisecond is nothing, and a cast stays within the bounds.
    let milliseconds = seconds.map(|seconds| (seconds * 1000.0) as u32);
    let sent_over_amqp = sent.as_ref();
    let fields = Value::List(vec![
        Value::Bool(sent_over_amqp.is_some_and(|header| header.durable)),
        sent_over_amqp.map_or(Value::Null, |header| Value::Ubyte(header.priority.0)),
        milliseconds.map_or(Value::Null, Value::Uint),
        Value::Bool(handed_out.delivery_count <= 1),
        Value::Uint(handed_out.delivery_count.saturating_sub(1)),
    ]);
    encoded.extend_from_slice(&[0x00, 0x53, 0x70]);
    put(encoded, &fields);
}

fn annotations(
    handed_out: &HandedOut,
    form: Option<&AmqpForm>,
    source: &Source,
) -> MessageAnnotations {
    let sent: Option<MessageAnnotations> = form.and_then(|form| read(&form.annotations));
    let accepted = &handed_out.accepted;
    let mut all = OrderedMap::new();
    for (key, value) in sent.into_iter().flat_map(|sent| sent.0) {
        if !matches!(&key, OwnedKey::Symbol(name) if OF_THE_BROKER.contains(&name.as_str())) {
            all.insert(key, value);
        }
    }
    let mut set = |name: &str, value: Value| {
        all.insert(OwnedKey::Symbol(Symbol::from(name)), value);
    };
    let number = i64::try_from(accepted.sequence).unwrap_or(i64::MAX);
    set("x-opt-sequence-number", Value::Long(number));
    set("x-opt-enqueued-time", timestamp(accepted.enqueued));
    if let Some(until) = handed_out.locked_until {
        set("x-opt-locked-until", timestamp(until));
    }
    let state = match handed_out.state {
        MessageState::Active => 0,
        MessageState::Deferred => 1,
        MessageState::Scheduled => 2,
    };
    set("x-opt-message-state", Value::Int(state));
    if handed_out.reason.is_some() {
        let queue = source.queue.name().to_owned();
        set("x-opt-deadletter-source", Value::String(queue));
    }
    if let Some(key) = &accepted.message.properties.partition_key {
        set("x-opt-partition-key", Value::String(key.clone()));
    }
    if let (None, Some(time)) = (form, accepted.message.properties.scheduled_enqueue) {
        set("x-opt-scheduled-enqueue-time", timestamp(time));
    }
    MessageAnnotations(all)
}

pub(super) fn timestamp(time: OffsetDateTime) -> Value {
    let milliseconds = time.unix_timestamp_nanos() / 1_000_000;
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    Value::Timestamp(Timestamp::from_milliseconds(milliseconds))
}

/// Of a message that came over REST.
fn properties(from: &Properties) -> AmqpProperties {
    let id = |text: &Option<String>| text.clone().map(MessageId::String);
    AmqpProperties {
        message_id: id(&from.message_id),
        to: from.to.clone(),
        subject: from.label.clone(),
        reply_to: from.reply_to.clone(),
        correlation_id: id(&from.correlation_id),
        content_type: from.content_type.as_deref().map(Symbol::from),
        group_id: from.session_id.clone(),
        reply_to_group_id: from.reply_to_session_id.clone(),
        ..AmqpProperties::default()
    }
}

/// The sender's own properties: as they were encoded, as long as nobody has changed them.
fn put_application(encoded: &mut Vec<u8>, handed_out: &HandedOut) {
    let message = &handed_out.accepted.message;
    let added = handed_out.reason.as_ref().map(|reason| {
        [
            ("DeadLetterReason", reason.reason()),
            ("DeadLetterErrorDescription", reason.description()),
        ]
    });
    if let (Some(form), true, None) = (&message.amqp, message.typed.is_empty(), &added) {
        encoded.extend_from_slice(&form.application.0);
        return;
    }
    let mut all = application(message);
    for (name, value) in &message.typed {
        if let Ok(value) = serde_amqp::from_slice(&value.0) {
            all.insert(name.clone(), value);
        }
    }
    for (name, text) in added.into_iter().flatten() {
        if let Some(text) = text {
            all.insert(name.to_owned(), SimpleValue::String(text.to_owned()));
        }
    }
    if !all.is_empty() {
        put(encoded, &ApplicationProperties(all));
    }
}

fn application(message: &Message) -> OrderedMap<String, SimpleValue> {
    if let Some(form) = &message.amqp {
        let sent: Option<ApplicationProperties> = read(&form.application);
        return sent.map(|sent| sent.0).unwrap_or_default();
    }
    let mut all = OrderedMap::new();
    for (name, value) in &message.properties.application {
        all.insert(name.clone(), simple(value));
    }
    all
}

/// JSON knows numbers of one kind: the narrowest of .NET's usual ones is taken.
fn simple(value: &Json) -> SimpleValue {
    match value {
        Json::Null => SimpleValue::Null,
        Json::Bool(value) => SimpleValue::Bool(*value),
        Json::String(text) => SimpleValue::String(text.clone()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => {
                i32::try_from(whole).map_or(SimpleValue::Long(whole), SimpleValue::Int)
            }
            (None, fraction) => SimpleValue::Double(fraction.unwrap_or_default().into()),
        },
        other => SimpleValue::String(other.to_string()),
    }
}
