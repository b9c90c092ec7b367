//! `dead-letters export`: one JSON line for each letter, with all that a later redrive needs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::azure_app::trace::TraceContext;
use order_items_reserver::order::{Delivery, EnqueuedTimeError, SequenceNumber};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bus::Bus;
use crate::letter::Letter;

/// A letter as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Where it was found.
    pub namespace: String,
    /// In which queue.
    pub queue: String,
    /// Its number.
    pub sequence_number: u64,
    /// The number it had where it was sent to; 0 when that is this queue.
    pub enqueued_sequence_number: u64,
    /// When it was accepted, as RFC 3339.
    pub enqueued_time: Option<String>,
    /// Its session.
    pub session_id: Option<String>,
    /// The publisher's id.
    pub message_id: Option<String>,
    /// How often it was handed out, this once included.
    pub delivery_count: Option<u32>,
    /// The trace that it belongs to: what log lines and mails of its order name.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// The publisher's trace context.
    pub traceparent: Option<String>,
    /// Why it is dead.
    pub dead_letter_reason: Option<String>,
    /// The same at more length.
    pub dead_letter_error_description: Option<String>,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// All of the broker's properties as they came.
    pub broker_properties: BTreeMap<String, Value>,
    /// All of the publisher's.
    pub custom_properties: BTreeMap<String, Value>,
    /// In what the body was handed out, where that was not the bytes themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_wrapped_in: Option<String>,
    /// The body, byte for byte.
    pub body_base64: String,
}

/// Why a record does not read back as a delivery.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The body.
    #[error("bodyBase64: {0}")]
    Body(#[from] base64::DecodeError),
    /// The time.
    #[error("enqueuedTime: {0}")]
    Time(#[from] EnqueuedTimeError),
}

impl Record {
    /// The record of `letter`, found in the queue of `bus`.
    #[must_use]
    pub fn new(letter: &Letter, bus: &Bus) -> Self {
        let delivery = &letter.delivery;
        Self {
            namespace: bus.origin(),
            queue: bus.queue().to_owned(),
            sequence_number: letter.sequence,
            enqueued_sequence_number: letter.enqueued_sequence,
            enqueued_time: delivery.enqueued.map(|time| time.to_string()),
            session_id: delivery.session_id.clone(),
            message_id: delivery.message_id.clone(),
            delivery_count: delivery.delivery_count,
            trace_id: delivery.trace.map(|trace| trace.trace_id().to_string()),
            traceparent: delivery.trace.map(|trace| trace.to_string()),
            dead_letter_reason: letter.reason.clone(),
            dead_letter_error_description: letter.description.clone(),
            content_type: letter.content_type.clone(),
            broker_properties: letter.broker.clone(),
            custom_properties: letter.custom.clone(),
            body_wrapped_in: letter.wrapped_in.map(str::to_owned),
            body_base64: STANDARD.encode(&delivery.body),
        }
    }

    /// What the function would be given: the letter with its own number and time.
    ///
    /// # Errors
    /// When the file was changed by hand.
    pub fn delivery(&self) -> Result<Delivery, RecordError> {
        let enqueued = self.enqueued_time.as_deref().map(str::parse);
        Ok(Delivery {
            body: STANDARD.decode(&self.body_base64)?.into(),
            message_id: self.message_id.clone(),
            session_id: self.session_id.clone(),
            sequence_number: Some(SequenceNumber(self.sequence_number)),
            enqueued: enqueued.transpose()?,
            delivery_count: self.delivery_count,
            trace: self.traceparent.as_deref().and_then(TraceContext::parse),
        })
    }
}

/// Creates the file of an export: `to` itself, or a file named after the queue in the folder `to`.
/// Only its owner may read it, for orders hold e-mail addresses. One that is there is never
/// overwritten.
///
/// # Errors
/// When it is there already, or cannot be created.
pub fn create(to: &Path, queue: &str) -> io::Result<(File, PathBuf)> {
    let path = if to.is_dir() {
        to.join(format!("{}-dead-letters.jsonl", queue.replace('/', "-")))
    } else {
        to.to_owned()
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    Ok((options.open(&path)?, path))
}
