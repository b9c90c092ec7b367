//! Application properties that a receiver changes when it settles a message.

use fe2o3_amqp_types::definitions::Fields;
use fe2o3_amqp_types::primitives::{SimpleValue, Value};
use serde_json::Value as Json;

use super::message;
use crate::queue::{AmqpBytes, PropertyChanges};

/// Application properties to change, with the types that the client gave them.
pub(super) fn changes(fields: Option<&Fields>) -> PropertyChanges {
    let pairs = fields.into_iter().flat_map(|fields| fields.iter());
    let pairs = pairs.map(|(name, value)| (name.as_str().to_owned(), value));
    changes_of(pairs)
}

pub(super) fn changes_of<'a>(pairs: impl Iterator<Item = (String, &'a Value)>) -> PropertyChanges {
    let mut changes = PropertyChanges::default();
    for (name, value) in pairs {
        // What is no simple value is no application property (AMQP 1.0, 3.2.5).
        let Ok(encoded) = serde_amqp::to_vec(value) else {
            continue;
        };
        let Ok(simple) = serde_amqp::from_slice::<SimpleValue>(&encoded) else {
            continue;
        };
        let json = message::json(&simple).unwrap_or(Json::Null);
        changes.application.insert(name.clone(), json);
        changes.typed.insert(name, AmqpBytes(encoded.into()));
    }
    changes
}
