//! The handler's lines: what one says of its message, and the newest of all, of others as well.

use std::collections::VecDeque;

use host::{Delivered, DeliveryOutcome, Level};
use serde::Serialize;
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::text::{cut, level_name, timestamp};

/// Lines that are kept: the newest.
const LINES_MAX: usize = 1_000;

/// The longest line that is kept, in characters.
const LINE_MAX: usize = 4_000;

/// The longest of its fields, in characters.
const FIELD_MAX: usize = 1_000;

/// Of whom most lines are.
const FUNCTION: &str = "function";

/// A line of the handler, or of another program that runs beside it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogLine {
    writer: &'static str,
    at: String,
    level: &'static str,
    text: String,
    #[serde(skip)]
    pub(super) said: LineFields,
}

/// What it says of its message: the rest of its fields is not kept.
#[derive(Debug, Clone, Default)]
pub(super) struct LineFields {
    pub(super) sequence: Option<u64>,
    pub(super) delivery_count: Option<u64>,
    pub(super) session: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) reason: Option<String>,
    /// What comes next in its delivery, and when at the latest.
    pub(super) next: Option<NextStep>,
    /// What the answer to its batch says of it.
    pub(super) record: Option<String>,
}

/// What the handler says that it is about to do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NextStep {
    /// `upload`, `fallback` or `give back`.
    what: String,
    /// Of the delivery that it was said of.
    pub(super) delivery: u32,
    /// Which upload comes next.
    attempt: Option<u64>,
    at: String,
    /// When it comes.
    due: String,
    /// Why what was before did not do.
    error: Option<String>,
}

impl LineFields {
    fn read(fields: &Map<String, Value>, now: OffsetDateTime) -> Self {
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let text = |name: &str| Some(cut(fields.get(name)?.as_str()?, FIELD_MAX));
        let delivery_count = number("delivery_count");
        let said_at = fields.get("timestamp").and_then(Value::as_str);
        let said_at = said_at.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        let at = said_at.unwrap_or(now);
        let wait = number("wait_ms").unwrap_or_default().min(3_600_000);
        let wait = Duration::milliseconds(wait.try_into().unwrap_or_default());
        let next = text("next").map(|what| NextStep {
            what,
            delivery: delivery_count.map_or(0, |count| count.try_into().unwrap_or(u32::MAX)),
            attempt: number("attempt"),
            at: timestamp(at),
            due: timestamp(at + wait),
            error: text("error"),
        });
        Self {
            sequence: number("sequence_number"),
            delivery_count,
            session: text("session"),
            outcome: text("outcome"),
            reason: text("reason"),
            next,
            record: None,
        }
    }

    /// Of a line of an answer to a batch, which names the message by its number:
    /// `#8412 S.json stored, upload attempts: 1`.
    fn of_batch(text: &str) -> Option<Self> {
        let (number, record) = text.strip_prefix('#')?.split_once(' ')?;
        let (ended, _) = record.split_once(", upload attempts: ")?;
        let outcome = match ended.strip_suffix(" stored") {
            Some(_) => "stored",
            None if ended.contains(" superseded by ") => "superseded",
            None => return None,
        };
        Some(Self {
            sequence: Some(number.parse().ok()?),
            outcome: Some(outcome.to_owned()),
            record: Some(cut(record, FIELD_MAX)),
            ..Self::default()
        })
    }
}

impl LogLine {
    /// Reads a line; one that is no JSON object says nothing of a message.
    pub(super) fn read(level: Level, text: &str, now: OffsetDateTime) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        // The host tells two levels by the stream alone: the handler's own word is finer.
        let own = match fields.get("level").and_then(Value::as_str) {
            Some("TRACE" | "DEBUG") => Some("debug"),
            Some("INFO") => Some("info"),
            Some("WARN") => Some("warning"),
            Some("ERROR") => Some("error"),
            _ => None,
        };
        Self {
            writer: FUNCTION,
            at: timestamp(now),
            level: own.unwrap_or(level_name(level)),
            text: cut(text, LINE_MAX),
            said: LineFields::of_batch(text).unwrap_or_else(|| LineFields::read(&fields, now)),
        }
    }

    /// The same of another program: what it says of messages is its own affair.
    pub(super) fn of(writer: &'static str, text: &str, now: OffsetDateTime) -> Self {
        Self {
            writer,
            said: LineFields::default(),
            ..Self::read(Level::Information, text, now)
        }
    }

    /// What the answer says of an order that was stored as most are: the function writes no line of
    /// it, unless it is asked to.
    pub(super) fn of_answer(delivered: &Delivered, now: OffsetDateTime) -> Option<Self> {
        let DeliveryOutcome::Completed { logs, .. } = &delivered.outcome else {
            return None;
        };
        // Of a batch the host tells them as lines of their own.
        let [text] = logs.as_slice() else { return None };
        text.contains(" stored, upload").then(|| Self {
            writer: FUNCTION,
            at: timestamp(now),
            level: level_name(Level::Information),
            text: cut(text, LINE_MAX),
            said: LineFields {
                sequence: Some(delivered.sequence),
                delivery_count: Some(delivered.delivery_count.into()),
                session: delivered.session.clone(),
                outcome: Some("stored".to_owned()),
                ..LineFields::default()
            },
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        self.said.outcome.as_deref()
    }

    /// Whether it ends that delivery.
    pub(super) fn is_of(&self, delivery_count: u32) -> bool {
        let count = self.said.delivery_count;
        self.outcome().is_some() && count.is_none_or(|count| count == u64::from(delivery_count))
    }
}

/// The newest lines of all, oldest first, numbered from 1.
#[derive(Debug, Default)]
pub(crate) struct LogTail {
    lines: VecDeque<LogLine>,
    last: u64,
}

impl LogTail {
    pub(super) fn add(&mut self, line: LogLine) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.last += 1;
    }

    /// The number of the newest.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Those after number `after`, with their numbers.
    pub(crate) fn after(&self, after: u64) -> impl Iterator<Item = (u64, &LogLine)> {
        let first = self.last - self.lines.len() as u64 + 1;
        let numbered = (first..).zip(&self.lines);
        numbered.filter(move |(number, _)| *number > after)
    }
}
