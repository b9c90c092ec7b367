//! The properties of a message as the REST interface takes them: those of the broker as JSON in one
//! header, the publisher's own in a header each.

use axum::http::{HeaderMap, HeaderName, header};
use serde_json::{Map, Value};
use stand_in::http_date;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::queue::{ID_MAX, Properties};

/// Carries those that Service Bus knows.
pub(super) const BROKER_PROPERTIES: HeaderName = HeaderName::from_static("brokerproperties");

/// Known to Service Bus, without effect here.
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
}

/// The properties in the header, and the keys that Service Bus would pass over too.
pub(super) fn broker_properties(
    header: Option<&[u8]>,
) -> Result<(Properties, Vec<String>), PropertyError> {
    let not_an_object = |reason: String| PropertyError::NotAnObject(reason);
    match header {
        None => Ok((Properties::default(), Vec::new())),
        Some(bytes) if !bytes.is_ascii() => Err(not_an_object(
            "write other characters as \\uXXXX".to_owned(),
        )),
        Some(bytes) => match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => broker_properties_of(map),
            Ok(other) => Err(not_an_object(format!("found {other}"))),
            Err(error) => Err(not_an_object(error.to_string())),
        },
    }
}

/// Takes the properties of one message; null counts as absent.
pub(super) fn broker_properties_of(
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
            "ScheduledEnqueueTimeUtc" => {
                properties.scheduled_enqueue = Some(time(key, value)?);
                continue;
            }
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
        Value::String(text) if limited && text.chars().count() > ID_MAX => {
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

/// As the REST interface writes times, or as JSON mostly does.
fn time(key: String, value: Value) -> Result<OffsetDateTime, PropertyError> {
    let text = value.as_str();
    let time = text.and_then(|text| {
        let iso = || OffsetDateTime::parse(text, &Rfc3339).ok();
        http_date::parse(text).or_else(iso)
    });
    time.ok_or(PropertyError::Value {
        key,
        expected: "a time such as \"Sun, 06 Nov 1994 08:49:37 GMT\" or \"1994-11-06T08:49:37Z\"",
        found: value,
    })
}

fn seconds(key: String, value: Value) -> Result<f64, PropertyError> {
    let positive = value.as_f64().filter(|seconds| *seconds > 0.0);
    positive.ok_or(PropertyError::Value {
        key,
        expected: "a positive number of seconds",
        found: value,
    })
}

/// The publisher's own: a quoted string, a number or a boolean in a header of its own.
///
/// Returns what was understood, and the headers that were not: Azure may answer 400 to those.
pub(super) fn custom_properties(headers: &HeaderMap) -> (Map<String, Value>, Vec<String>) {
    let mut properties = Map::new();
    let mut odd = Vec::new();
    for (name, value) in headers.iter().filter(|(name, _)| !is_standard(name)) {
        match serde_json::from_slice(value.as_bytes()) {
            Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                properties.insert(name.as_str().to_owned(), value);
            }
            _ => odd.push(name.as_str().to_owned()),
        }
    }
    (properties, odd)
}

fn is_standard(name: &HeaderName) -> bool {
    let known = [
        BROKER_PROPERTIES,
        header::ACCEPT,
        header::ACCEPT_CHARSET,
        header::ACCEPT_ENCODING,
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::DATE,
        header::EXPECT,
        header::HOST,
        header::ORIGIN,
        header::REFERER,
        header::TRANSFER_ENCODING,
        header::USER_AGENT,
    ];
    known.contains(name) || name.as_str().starts_with("sec-fetch-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        broker_properties(Some(json.as_bytes()))
            .expect_err(json)
            .to_string()
    }

    #[test]
    fn every_property_the_stack_carries_is_read() {
        let json = r#"{"MessageId":"m","SessionId":"s","CorrelationId":"c","Label":"K\u00f6ln","ReplyTo":"r",
            "To":"t","TimeToLive":30,"PartitionKey":"s","ReplyToSessionId":null,"ForcePersistence":true,"Sesion":1}"#;
        let (properties, unknown) = broker_properties(Some(json.as_bytes())).expect("good");
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
        assert!(
            error(r#"{"ScheduledEnqueueTimeUtc":"tomorrow"}"#)
                .contains("ScheduledEnqueueTimeUtc: expected a time such as")
        );
        assert!(error("[]").contains("found []"));
        assert!(error(r#"{"Label":"ö"}"#).contains("\\uXXXX"));
    }

    #[test]
    fn a_custom_property_is_a_quoted_header() {
        let mut headers = HeaderMap::new();
        headers.insert("kind", "\"cart\"".parse().expect("a value"));
        headers.insert("schemaversion", "1".parse().expect("a value"));
        headers.insert("traceparent", "00-0af7".parse().expect("a value"));
        headers.insert("host", "localhost".parse().expect("a value"));
        let (properties, odd) = custom_properties(&headers);
        assert_eq!(
            Value::Object(properties),
            serde_json::json!({"kind":"cart","schemaversion":1})
        );
        assert_eq!(odd, ["traceparent"]);
    }
}
