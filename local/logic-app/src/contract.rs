//! The fallback request, version 1: what the workflow's trigger accepts.

use serde_json::{Map, Value};
use uuid::Uuid;

const ROOT: [&str; 6] = [
    "schemaVersion",
    "operationId",
    "traceparent",
    "order",
    "rawBody",
    "failure",
];

/// The longest `rawBody.data`, in characters: 256 KiB in base64.
const RAW_DATA_MAX: usize = 349_528;

/// Returns the operation's id, or says what is wrong with the request.
pub(super) fn check(body: &[u8]) -> Result<String, String> {
    let root: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| format!("not a JSON object: {error}"))?;
    if let Some(name) = root.keys().find(|name| !ROOT.contains(&name.as_str())) {
        return Err(format!("{name} is unknown at the root"));
    }
    if root.get("schemaVersion") != Some(&Value::from(1)) {
        return Err("schemaVersion must be 1".to_owned());
    }
    nullable(&root, "traceparent", Value::is_string, "a string")?;
    let failure = object(&root, "failure")?;
    check_failure(failure).map_err(|error| format!("failure.{error}"))?;
    match (root.contains_key("order"), root.contains_key("rawBody")) {
        (true, false) => {
            object(&root, "order")?;
        }
        (false, true) => {
            let raw_body = object(&root, "rawBody")?;
            check_raw_body(raw_body).map_err(|error| format!("rawBody.{error}"))?;
            if failure.get("attempts") != Some(&Value::from(0)) {
                return Err("failure.attempts must be 0 beside rawBody".to_owned());
            }
        }
        _ => return Err("exactly one of order and rawBody must be there".to_owned()),
    }
    operation_id(&root)
}

fn check_failure(failure: &Map<String, Value>) -> Result<(), String> {
    required(failure, "reason", Value::is_string, "a string")?;
    required(failure, "attempts", Value::is_u64, "a number from 0 on")?;
    for name in ["sessionId", "blobName", "messageId", "enqueuedTime"] {
        nullable(failure, name, Value::is_string, "a string")?;
    }
    let is_integer = |value: &Value| value.is_i64() || value.is_u64();
    for name in ["sequenceNumber", "deliveryCount"] {
        nullable(failure, name, is_integer, "an integer")?;
    }
    Ok(())
}

fn check_raw_body(raw_body: &Map<String, Value>) -> Result<(), String> {
    let is_encoding = |value: &Value| matches!(value.as_str(), Some("utf-8" | "base64"));
    required(raw_body, "encoding", is_encoding, "utf-8 or base64")?;
    let fits = |value: &Value| {
        let data = value.as_str();
        data.is_some_and(|data| data.chars().count() <= RAW_DATA_MAX)
    };
    let expected = format!("a string of at most {RAW_DATA_MAX} characters");
    required(raw_body, "data", fits, &expected)?;
    required(raw_body, "length", Value::is_u64, "a number from 0 on")?;
    required(raw_body, "truncated", Value::is_boolean, "true or false")
}

fn operation_id(root: &Map<String, Value>) -> Result<String, String> {
    let id = root.get("operationId").and_then(Value::as_str);
    // Comparing it with its own canonical form refuses capitals, braces and a missing hyphen.
    id.filter(|id| Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == *id))
        .map(str::to_owned)
        .ok_or_else(|| "operationId must be a UUID in lower case".to_owned())
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a Map<String, Value>, String> {
    let value = parent.get(name).and_then(Value::as_object);
    value.ok_or_else(|| format!("{name} must be an object"))
}

fn required(
    parent: &Map<String, Value>,
    name: &str,
    is_legal: impl Fn(&Value) -> bool,
    expected: &str,
) -> Result<(), String> {
    match parent.get(name) {
        Some(value) if is_legal(value) => Ok(()),
        _ => Err(format!("{name} must be {expected}")),
    }
}

fn nullable(
    parent: &Map<String, Value>,
    name: &str,
    is_legal: impl Fn(&Value) -> bool,
    expected: &str,
) -> Result<(), String> {
    match parent.get(name) {
        Some(value) if !value.is_null() && !is_legal(value) => {
            Err(format!("{name} must be {expected} or null"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
