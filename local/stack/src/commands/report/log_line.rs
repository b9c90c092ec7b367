//! A warning or an error of the handler, for people: its JSON line without what the delivery's line says already.

use host::Level;
use serde_json::{Map, Value};

const ELSEWHERE: [&str; 12] = [
    "timestamp",
    "level",
    "message",
    "target",
    "span",
    "invocation_id",
    "session",
    "message_id",
    "outcome",
    "blob_name",
    "duration_ms",
    "trace_id",
];

/// `  ERROR  message  key=value …`; a line that is no JSON object stays as it is.
pub(super) fn readable(level: Level, text: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        return format!("  {}  {text}", name(level));
    };
    let own_level = fields
        .get("level")
        .and_then(Value::as_str)
        .unwrap_or_else(|| name(level));
    let message = fields
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let rest: String = fields
        .iter()
        .filter(|(key, value)| !ELSEWHERE.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| format!("  {key}={value}"))
        .collect();
    format!("  {own_level}  {message}{rest}")
}

/// The same for a line whose level nobody knows from elsewhere; nothing for what a calm screen leaves out. A line that is
/// no JSON object is the last word of a program that ends.
pub(super) fn warning(text: &str) -> Option<String> {
    let fields: Value = serde_json::from_str(text).unwrap_or_default();
    match fields.get("level").and_then(Value::as_str) {
        Some("WARN") => Some(readable(Level::Warning, text)),
        Some("ERROR") | None => Some(readable(Level::Error, text)),
        Some(_) => None,
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Information => "INFO",
        Level::Warning => "WARN",
        Level::Error => "ERROR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_is_put_in_words_and_any_other_is_left_alone() {
        let json = r#"{"timestamp":"t","level":"WARN","message":"order handed over","session":"S","sequence_number":12,"reason":"503"}"#;
        assert_eq!(
            readable(Level::Warning, json),
            "  WARN  order handed over  sequence_number=12  reason=\"503\""
        );
        assert_eq!(
            readable(Level::Error, "thread panicked"),
            "  ERROR  thread panicked"
        );
    }
}
