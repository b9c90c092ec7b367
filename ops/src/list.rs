//! `dead-letters list` and `show`: what lies there, and one letter in full.

use std::io;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::order::EnqueuedTime;
use serde::Serialize;

use crate::letter::Letter;
use crate::text::{Table, counted, harmless, readable};

/// One letter in one line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    sequence_number: u64,
    enqueued_time: Option<String>,
    session_id: Option<String>,
    message_id: Option<String>,
    delivery_count: Option<u32>,
    dead_letter_reason: Option<String>,
    dead_letter_error_description: Option<String>,
    trace_id: Option<String>,
    body_bytes: usize,
}

impl From<&Letter> for Summary {
    fn from(letter: &Letter) -> Self {
        let delivery = &letter.delivery;
        Self {
            sequence_number: letter.sequence,
            enqueued_time: time(delivery.enqueued),
            session_id: delivery.session_id.clone(),
            message_id: delivery.message_id.clone(),
            delivery_count: delivery.delivery_count,
            dead_letter_reason: letter.reason.clone(),
            dead_letter_error_description: letter.description.clone(),
            trace_id: delivery.trace.map(|trace| trace.trace_id().to_string()),
            body_bytes: delivery.body.len(),
        }
    }
}

/// Writes a table, with a line that counts it.
///
/// # Errors
/// When `out` does not take it.
pub fn table(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    let traced = letters.iter().any(|letter| letter.trace_id.is_some());
    let mut heading = vec![
        "SEQUENCE",
        "ENQUEUED",
        "SESSION",
        "MESSAGE ID",
        "DELIVERIES",
        "REASON",
        "BYTES",
    ];
    heading.extend(traced.then_some("TRACE"));
    let mut table = Table::new(&heading);
    for letter in letters {
        let trace = letter.trace_id.clone().unwrap_or_default();
        let cells = [
            letter.sequence_number.to_string(),
            letter.enqueued_time.clone().unwrap_or_default(),
            letter.session_id.clone().unwrap_or_default(),
            letter.message_id.clone().unwrap_or_default(),
            letter
                .delivery_count
                .map(|count| count.to_string())
                .unwrap_or_default(),
            letter.dead_letter_reason.clone().unwrap_or_default(),
            letter.body_bytes.to_string(),
        ];
        table.row(cells.into_iter().chain(traced.then_some(trace)));
    }
    if !letters.is_empty() {
        for line in table.lines() {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out, "{}", counted(letters.len()))
}

/// Writes one JSON object a line.
///
/// # Errors
/// When `out` does not take it.
pub fn json_lines(letters: &[Summary], out: &mut dyn Write) -> io::Result<()> {
    for letter in letters {
        writeln!(out, "{}", serde_json::to_string(letter)?)?;
    }
    Ok(())
}

/// Writes one letter in full: properties, an empty line, the body as text or in base64.
///
/// # Errors
/// When `out` does not take it.
pub fn show(letter: &Letter, out: &mut dyn Write) -> io::Result<()> {
    let delivery = &letter.delivery;
    let mut line = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "{name:<22} {}", harmless(&value)),
        None => Ok(()),
    };
    line("sequence number", Some(letter.sequence.to_string()))?;
    line("enqueued", time(delivery.enqueued))?;
    line("session", delivery.session_id.clone())?;
    line("message id", delivery.message_id.clone())?;
    line(
        "delivery count",
        delivery.delivery_count.map(|count| count.to_string()),
    )?;
    line("reason", letter.reason.clone())?;
    line("description", letter.description.clone())?;
    line("content type", letter.content_type.clone())?;
    line("body taken out of", letter.wrapped_in.map(str::to_owned))?;
    line(
        "trace",
        delivery.trace.map(|trace| trace.trace_id().to_string()),
    )?;
    const SHOWN: [&str; 5] = [
        "SequenceNumber",
        "EnqueuedTimeUtc",
        "SessionId",
        "MessageId",
        "DeliveryCount",
    ];
    for (name, value) in &letter.broker {
        if !SHOWN.contains(&name.as_str()) {
            line(&harmless(name), Some(value.to_string()))?;
        }
    }
    for (name, value) in &letter.custom {
        if !name.to_lowercase().starts_with("deadletter") {
            line(&harmless(name), Some(value.to_string()))?;
        }
    }
    let bytes = delivery.body.len();
    match readable(&delivery.body) {
        Some(text) => writeln!(out, "\nbody, {bytes} bytes:\n{text}"),
        None => writeln!(
            out,
            "\nbody, {bytes} bytes in base64:\n{}",
            STANDARD.encode(&delivery.body)
        ),
    }
}

fn time(time: Option<EnqueuedTime>) -> Option<String> {
    time.map(|time| time.to_string())
}
