//! The fallback request, version 2.
//!
//! The published bytes travel as base64, never as JSON to be parsed: on its way to the mail a
//! parser would round numbers, and refuse what it cannot hold (`1e400`, half a surrogate pair, deep
//! nesting). What a person reads in the mail itself stands beside them, as short plain texts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use uuid::Uuid;

use super::command::{put_command, show_command};
use super::shown::Shown;
use crate::fallback::{FallbackError, HANDED_OVER_MAX, Notice, Reason};
use crate::order::Delivery;
use crate::store::{Doubt, StoreError};

/// Characters of an attachment's name before its ending.
const STEM_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FallbackRequest<'a> {
    schema_version: u8,
    operation_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    body: Body,
    shown: Shown,
    failure: Failure<'a>,
}

/// The file: what would have been stored, or the whole of an unreadable message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    encoding: &'static str,
    data: String,
    length: usize,
    file_name: String,
    content_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    kind: Kind,
    reason: String,
    attempts: u32,
    session_id: Option<&'a str>,
    blob_name: Option<String>,
    message_id: Option<&'a str>,
    sequence_number: Option<u64>,
    delivery_count: Option<u32>,
    enqueued_time: Option<String>,
    stored: Option<StoredPlace>,
    put_command: String,
    show_command: Option<String>,
}

/// What a person is told, and has to do, differs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    NotConfirmed,
    Contradictory,
    Unreadable,
}

/// What is known of the order that is stored, and may be the newer one.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredPlace {
    sequence_number: Option<u64>,
    enqueued_time: Option<String>,
    message_id: Option<String>,
    modified_time: Option<String>,
}

impl<'a> FallbackRequest<'a> {
    /// # Errors
    /// [`FallbackError::TooLong`].
    pub(super) fn new(notice: &'a Notice<'_>) -> Result<Self, FallbackError> {
        let (delivery, order) = (notice.delivery, notice.order);
        let bytes = order.map_or(&delivery.body, |order| &order.body);
        if bytes.len() > HANDED_OVER_MAX {
            return Err(FallbackError::TooLong(bytes.len()));
        }
        let (kind, stored) = judged(notice.reason);
        let session = order.map(|order| order.session.as_str());
        let session = session.or(delivery.session_id.as_deref());
        let message_id = delivery.message_id.as_deref();
        let (file_name, content_type) = match order {
            Some(order) => (
                format!("{}.json", stem(order.session.as_str())),
                "application/json",
            ),
            None => (
                format!("{}.txt", stem(message_id.unwrap_or("message"))),
                "text/plain",
            ),
        };
        // Of an unreadable message a person first has to write the order, and perhaps say whose.
        let put_command = match kind {
            Kind::Unreadable => put_command("order.json", session.unwrap_or("SESSION"), delivery),
            _ => put_command(&file_name, session.unwrap_or_default(), delivery),
        };
        Ok(Self {
            schema_version: 2,
            operation_id: operation_id(delivery),
            traceparent: delivery.trace.map(|trace| trace.to_string()),
            shown: Shown::of(bytes),
            body: Body {
                encoding: "base64",
                data: STANDARD.encode(bytes),
                length: bytes.len(),
                file_name,
                content_type,
            },
            failure: Failure {
                kind,
                reason: notice.reason.to_string(),
                attempts: notice.reason.attempts(),
                session_id: session,
                blob_name: notice.blob_name().map(|name| name.to_string()),
                message_id,
                sequence_number: delivery.sequence_number.map(|number| number.0),
                delivery_count: delivery.delivery_count,
                enqueued_time: delivery.enqueued.map(|time| time.to_string()),
                stored,
                put_command,
                show_command: session.map(show_command),
            },
        })
    }
}

fn judged(reason: &Reason) -> (Kind, Option<StoredPlace>) {
    match reason {
        Reason::Unreadable(_) => (Kind::Unreadable, None),
        Reason::NotConfirmed(exhausted) => match &exhausted.last {
            StoreError::Contradictory(doubt) => (Kind::Contradictory, Some(StoredPlace::of(doubt))),
            _ => (Kind::NotConfirmed, None),
        },
    }
}

impl StoredPlace {
    fn of(doubt: &Doubt) -> Self {
        let (position, message_id, modified) = match doubt {
            Doubt::Positions { stored, .. } | Doubt::NoPlace { stored } => {
                (Some(*stored), None, None)
            }
            Doubt::SamePlace {
                position, stored, ..
            } => (Some(*position), Some(stored.clone()), None),
            Doubt::NotOlder { modified, .. } => (None, None, *modified),
            Doubt::TimeAlone { stored, .. } => (*stored, None, None),
        };
        Self {
            sequence_number: position.map(|position| position.sequence.0),
            enqueued_time: position.map(|position| position.enqueued.to_string()),
            message_id,
            modified_time: modified.map(|time| time.to_string()),
        }
    }
}

/// A file name's beginning that every system and every shell takes as it is.
fn stem(text: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
        _ => '_',
    };
    let stem: String = text.chars().take(STEM_MAX).map(plain).collect();
    match stem.as_str() {
        "" => "message".to_owned(),
        _ => stem,
    }
}

/// The same operation for every delivery of a message, and another for every other message: UUID v5
/// (RFC 9562) of number, time and message id. Publishers reuse ids, and queues numbers; the mail
/// service may take a second mail of one operation for a repeat and send none. Where one of the
/// three is missing the body counts too.
#[must_use]
pub fn operation_id(delivery: &Delivery) -> Uuid {
    let id = delivery.message_id.as_deref().unwrap_or_default();
    let mut name = String::new();
    // Writing to a String cannot fail.
    if let Some(number) = delivery.sequence_number {
        write!(name, "{number}").ok();
    }
    name.push('\n');
    if let Some(time) = delivery.enqueued {
        write!(name, "{time}").ok();
    }
    // The length keeps an id apart from a body that follows.
    write!(name, "\n{}\n{id}", id.len()).ok();
    let mut name = name.into_bytes();
    if id.is_empty() || delivery.position().is_none() {
        name.extend_from_slice(&delivery.body);
    }
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachments_name_is_plain() {
        for (text, expected) in [
            ("E7DB-a_1", "E7DB-a_1"),
            ("../a b\n\"c\".exe", "___a_b__c__exe"),
            ("ü🐠", "__"),
            ("", "message"),
        ] {
            assert_eq!(stem(text), expected);
        }
        assert_eq!(stem(&"x".repeat(1_000)).len(), STEM_MAX);
    }
}
