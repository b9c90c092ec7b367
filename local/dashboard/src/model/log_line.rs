//! A line of the handler, and what it says of its message.

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::text::{cut, timestamp};
use host::Level;

/// The longest line that is kept, in characters.
const LINE_MAX: usize = 4_000;

/// The longest of its fields, in characters.
const FIELD_MAX: usize = 1_000;

/// A line of the handler.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogLine {
    at: String,
    level: &'static str,
    text: String,
    #[serde(skip)]
    said: Said,
}

/// What it says of its message: the rest of its fields is not kept.
#[derive(Debug, Clone, Default)]
struct Said {
    sequence: Option<u64>,
    delivery_count: Option<u64>,
    session: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
}

impl Said {
    fn read(line: &str) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let text = |name: &str| Some(cut(fields.get(name)?.as_str()?, FIELD_MAX));
        Self {
            sequence: number("sequence_number"),
            delivery_count: number("delivery_count"),
            session: text("session"),
            outcome: text("outcome"),
            reason: text("reason"),
        }
    }
}

impl LogLine {
    /// Reads a line; one that is no JSON object says nothing of a message.
    pub(super) fn read(level: Level, text: &str, now: OffsetDateTime) -> Self {
        Self {
            at: timestamp(now),
            level: level_name(level),
            text: cut(text, LINE_MAX),
            said: Said::read(text),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn sequence(&self) -> Option<u64> {
        self.said.sequence
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.said.session.as_deref()
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        self.said.outcome.as_deref()
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.said.reason.as_deref()
    }

    /// Whether it ends that delivery.
    pub(super) fn is_of(&self, delivery_count: u32) -> bool {
        let count = self.said.delivery_count;
        self.outcome().is_some() && count.is_none_or(|count| count == u64::from(delivery_count))
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
