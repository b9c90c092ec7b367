//! A message's bytes divided into its sections (AMQP 1.0, 3.2), each as it was encoded.

use bytes::Bytes;
use fe2o3_amqp_types::messaging::Body;
use fe2o3_amqp_types::primitives::Value;

use super::nesting::{Malformed, split_value};
use crate::queue::{AmqpBytes, AmqpForm, BodyKind};

const HEADER: u64 = 0x70;
const ANNOTATIONS: u64 = 0x72;
const PROPERTIES: u64 = 0x73;
const APPLICATION: u64 = 0x74;
const DATA: u64 = 0x75;
const FOOTER: u64 = 0x78;

/// Keeps the sections of a message as slices of its bytes, and what its body was.
pub(super) fn form_of(bytes: &Bytes, body: &Body<Value>) -> Result<AmqpForm, Malformed> {
    let mut form = AmqpForm {
        kind: kind(body),
        ..AmqpForm::default()
    };
    let mut rest: &[u8] = bytes;
    let mut body_starts = None;
    let mut codes_of_body = Vec::new();
    while !rest.is_empty() {
        let start = bytes.len() - rest.len();
        let (section, behind) = split_value(rest)?;
        let kept = || AmqpBytes(bytes.slice(start..start + section.len()));
        match code(section) {
            Some(HEADER) => form.header = kept(),
            Some(ANNOTATIONS) => form.annotations = kept(),
            Some(PROPERTIES) => form.properties = kept(),
            Some(APPLICATION) => form.application = kept(),
            // From the first section of the body on, with a footer behind it.
            Some(code @ DATA..=FOOTER) => {
                body_starts.get_or_insert(start);
                codes_of_body.push(code);
            }
            // Delivery annotations are for the next hop alone, which is here.
            _ => {}
        }
        rest = behind;
    }
    if let Some(start) = body_starts.filter(|_| codes_of_body != [DATA]) {
        form.body = AmqpBytes(bytes.slice(start..));
    }
    Ok(form)
}

fn kind(body: &Body<Value>) -> BodyKind {
    match body {
        Body::Data(_) | Body::Empty => BodyKind::Data,
        Body::Sequence(_) => BodyKind::Sequence,
        Body::Value(value) if matches!(value.0, Value::String(_)) => BodyKind::Text,
        Body::Value(_) => BodyKind::Value,
    }
}

/// The descriptor of a section, by number or by name.
fn code(section: &[u8]) -> Option<u64> {
    match section {
        [0x00, 0x53, code, ..] => Some(u64::from(*code)),
        [0x00, 0x80, rest @ ..] => rest.first_chunk().map(|code| u64::from_be_bytes(*code)),
        [0x00, 0xa3, length, rest @ ..] => {
            let name = rest.get(..usize::from(*length))?;
            let codes = NAMES.iter().find(|(known, _)| known.as_bytes() == name);
            codes.map(|(_, code)| *code)
        }
        _ => None,
    }
}

const NAMES: [(&str, u64); 8] = [
    ("amqp:header:list", HEADER),
    ("amqp:message-annotations:map", ANNOTATIONS),
    ("amqp:properties:list", PROPERTIES),
    ("amqp:application-properties:map", APPLICATION),
    ("amqp:data:binary", DATA),
    ("amqp:amqp-sequence:list", 0x76),
    ("amqp:amqp-value:*", 0x77),
    ("amqp:footer:map", FOOTER),
];
