//! The broker's own message properties, as the REST interface takes them: JSON in a header.

use axum::http::HeaderName;
use serde_json::{Map, Value};

use crate::queue::Properties;

/// Name of the header.
pub(super) const HEADER: HeaderName = HeaderName::from_static("brokerproperties");

const LONGEST_ID: usize = 128;

// Known to Service Bus, without effect here.
const WITHOUT_EFFECT: [&str; 2] = ["ForcePersistence", "ViaPartitionKey"];

/// A property the broker would refuse; the text goes back to the sender with status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PropertyError {
    #[error("BrokerProperties: expected a JSON object in ASCII: {0}")]
    NotAnObject(String),
    #[error("BrokerProperties: {key}: expected {expected}, found {found}")]
    Value {
        key: String,
        expected: &'static str,
        found: Value,
    },
    #[error("BrokerProperties: PartitionKey must equal SessionId when both are set")]
    PartitionKey,
    #[error(
        "BrokerProperties: ScheduledEnqueueTimeUtc: the local queue does not schedule messages"
    )]
    Scheduled,
}

/// Reads the JSON of the header, and returns the keys that Service Bus would pass over too.
pub(super) fn parse(header: Option<&[u8]>) -> Result<(Properties, Vec<String>), PropertyError> {
    let not_an_object = |reason: String| PropertyError::NotAnObject(reason);
    match header {
        None => Ok((Properties::default(), Vec::new())),
        Some(bytes) if !bytes.is_ascii() => Err(not_an_object(
            "write other characters as \\uXXXX".to_owned(),
        )),
        Some(bytes) => match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => from_map(map),
            Ok(other) => Err(not_an_object(format!("found {other}"))),
            Err(error) => Err(not_an_object(error.to_string())),
        },
    }
}

/// Takes the properties of one message; null counts as absent.
pub(super) fn from_map(
    map: Map<String, Value>,
) -> Result<(Properties, Vec<String>), PropertyError> {
    let mut properties = Properties::default();
    let mut unknown = Vec::new();
    for (key, value) in map.into_iter().filter(|(_, value)| !value.is_null()) {
        let slot = match key.as_str() {
            "MessageId" => &mut properties.message_id,
            "SessionId" => &mut properties.session_id,
            "CorrelationId" => &mut properties.correlation_id,
            "Label" => &mut properties.label,
            "ContentType" => &mut properties.content_type,
            "ReplyTo" => &mut properties.reply_to,
            "ReplyToSessionId" => &mut properties.reply_to_session_id,
            "To" => &mut properties.to,
            "PartitionKey" => &mut properties.partition_key,
            "TimeToLive" => {
                properties.time_to_live = Some(seconds(key, value)?);
                continue;
            }
            "ScheduledEnqueueTimeUtc" => return Err(PropertyError::Scheduled),
            known if WITHOUT_EFFECT.contains(&known) => continue,
            _ => {
                unknown.push(key);
                continue;
            }
        };
        *slot = Some(text(key, value)?);
    }
    match (&properties.partition_key, &properties.session_id) {
        (Some(partition), Some(session)) if partition != session => {
            Err(PropertyError::PartitionKey)
        }
        _ => Ok((properties, unknown)),
    }
}

fn text(key: String, value: Value) -> Result<String, PropertyError> {
    let limited = matches!(
        key.as_str(),
        "MessageId" | "SessionId" | "PartitionKey" | "ReplyToSessionId"
    );
    match value {
        Value::String(text) if limited && text.chars().count() > LONGEST_ID => {
            let found = Value::from(format!("{} characters", text.chars().count()));
            Err(PropertyError::Value {
                key,
                expected: "at most 128 characters",
                found,
            })
        }
        Value::String(text) if limited && text.is_empty() => Err(PropertyError::Value {
            key,
            expected: "at least one character",
            found: text.into(),
        }),
        Value::String(text) => Ok(text),
        found => Err(PropertyError::Value {
            key,
            expected: "a string",
            found,
        }),
    }
}

fn seconds(key: String, value: Value) -> Result<f64, PropertyError> {
    let positive = value.as_f64().filter(|seconds| *seconds > 0.0);
    positive.ok_or(PropertyError::Value {
        key,
        expected: "a positive number of seconds",
        found: value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        parse(Some(json.as_bytes())).expect_err(json).to_string()
    }

    #[test]
    fn every_property_the_stack_carries_is_read() {
        let json = r#"{"MessageId":"m","SessionId":"s","CorrelationId":"c","Label":"K\u00f6ln","ReplyTo":"r",
            "To":"t","TimeToLive":30,"PartitionKey":"s","ReplyToSessionId":null,"ForcePersistence":true,"Sesion":1}"#;
        let (properties, unknown) = parse(Some(json.as_bytes())).expect("good");
        assert_eq!(properties.label.as_deref(), Some("Köln"));
        assert_eq!(
            (properties.session_id.as_deref(), properties.time_to_live),
            (Some("s"), Some(30.0))
        );
        assert_eq!(properties.reply_to_session_id, None);
        assert_eq!(unknown, ["Sesion"]);
    }

    #[test]
    fn an_error_names_the_key_and_the_value() {
        assert_eq!(
            error(r#"{"SessionId":12}"#),
            "BrokerProperties: SessionId: expected a string, found 12"
        );
        assert_eq!(
            error(r#"{"TimeToLive":"1 h"}"#),
            "BrokerProperties: TimeToLive: expected a positive number of seconds, found \"1 h\""
        );
        assert!(
            error(&format!(r#"{{"MessageId":"{}"}}"#, "m".repeat(129)))
                .contains("MessageId: expected at most 128")
        );
        assert!(error(r#"{"PartitionKey":"a","SessionId":"b"}"#).contains("must equal SessionId"));
        assert!(error("[]").contains("found []"));
        assert!(error(r#"{"Label":"ö"}"#).contains("\\uXXXX"));
    }
}
