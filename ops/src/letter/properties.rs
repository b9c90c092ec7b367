//! The headers of a received message: the broker's properties, and the publisher's own.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::LetterError;

/// The broker's properties that matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Broker {
    pub(super) sequence_number: u64,
    pub(super) enqueued_sequence_number: Option<u64>,
    pub(super) enqueued_time_utc: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) delivery_count: Option<u32>,
    pub(super) lock_token: Option<String>,
    pub(super) locked_until_utc: Option<String>,
}

/// Reads `BrokerProperties`: those that matter, and all of them as they came.
pub(super) fn broker(
    headers: &HeaderMap,
) -> Result<(Broker, BTreeMap<String, Value>), LetterError> {
    let header = headers.get("BrokerProperties");
    let header = header.ok_or(LetterError::NoProperties)?.as_bytes();
    let all: BTreeMap<String, Value> =
        serde_json::from_slice(header).map_err(LetterError::Properties)?;
    let broker = serde_json::from_slice(header).map_err(LetterError::Properties)?;
    Ok((broker, all))
}

/// The publisher's own properties: headers that hold a quoted text, a number or a boolean. HTTP
/// itself quotes only the entity tag; its numbers are left out by name.
pub(super) fn custom(headers: &HeaderMap) -> BTreeMap<String, Value> {
    const OF_HTTP: [&str; 3] = ["content-length", "age", "etag"];
    let mut custom = BTreeMap::new();
    for (name, value) in headers {
        let value = serde_json::from_slice(value.as_bytes());
        if let Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) = value
            && !OF_HTTP.contains(&name.as_str())
        {
            custom.insert(name.as_str().to_owned(), value);
        }
    }
    custom
}

/// HTTP lower-cases names.
pub(super) fn find<'a>(custom: &'a BTreeMap<String, Value>, name: &str) -> Option<&'a Value> {
    let mut all = custom.iter();
    all.find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
