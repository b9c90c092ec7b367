//! A line of the handler, and what it says of its message.

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::dashboard::text::{cut, timestamp};
use crate::host::Level;

/// The longest line that is kept, in characters.
const LINE_MAX: usize = 4_000;

/// A line of the handler.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dashboard) struct LogLine {
    at: String,
    level: &'static str,
    text: String,
    #[serde(skip)]
    fields: Option<Map<String, Value>>,
}

impl LogLine {
    /// Reads a line; one that is no JSON object says nothing of a message.
    pub(super) fn read(level: Level, text: &str, now: OffsetDateTime) -> Self {
        Self {
            at: timestamp(now),
            level: level_name(level),
            text: cut(text, LINE_MAX),
            fields: serde_json::from_str(text).ok(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn sequence(&self) -> Option<u64> {
        self.field("sequence_number")?.as_u64()
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.field("session")?.as_str()
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        self.field("outcome")?.as_str()
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.field("reason")?.as_str()
    }

    /// Whether it ends that delivery.
    pub(super) fn is_of(&self, delivery_count: u32) -> bool {
        let count = self.field("delivery_count").and_then(Value::as_u64);
        self.outcome().is_some() && count.is_none_or(|count| count == u64::from(delivery_count))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref()?.get(name)
    }
}

/// The level, as the page knows it.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Information => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
