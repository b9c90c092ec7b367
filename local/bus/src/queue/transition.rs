//! What happens to messages, in the order in which it happens: told to those who follow the queue,
//! and one line each in its journal.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;
use uuid::Uuid;

use super::amqp_form::{AmqpBytes, PropertyChanges};
use super::message::{Accepted, DeadLetter, DeadLetterReason};

/// One change of the queue's state, and a line of its journal: names here are names in files that
/// exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Transition {
    /// A message waits from now on.
    Accepted(Arc<Accepted>),
    /// A message was dropped: its id was seen within the window. It leaves no trace in the journal.
    #[serde(skip)]
    Duplicate {
        message_id: String,
        session_id: Option<String>,
        /// The message that has the id, and whether its body is the same; unknown when the queue
        /// was started again since.
        of: Option<u64>,
        same_body: Option<bool>,
    },
    /// A message was handed out under a lock. The lock does not outlive the process, the count
    /// does.
    #[serde(rename = "handedOut")]
    Locked {
        sequence: u64,
        /// 1 on the first hand-out.
        delivery_count: u32,
        /// Settles this hand-out and no other.
        #[serde(skip)]
        lock_token: Uuid,
    },
    /// A message was settled for good.
    Completed { sequence: u64 },
    /// A message was given back, or its lock ended: it waits again, with this many hand-outs
    /// counted.
    Released { sequence: u64, delivery_count: u32 },
    /// A message is a dead letter from now on.
    DeadLettered {
        sequence: u64,
        delivery_count: u32,
        #[serde(with = "rfc3339")]
        at: OffsetDateTime,
        reason: DeadLetterReason,
    },
    /// A message lives from now on, but waits only when its time has come.
    Scheduled(Arc<Accepted>),
    /// The time of a scheduled message has come: it waits from now on, under another number.
    Due {
        scheduled: u64,
        accepted: Arc<Accepted>,
    },
    /// A scheduled message was called off.
    Cancelled { sequence: u64 },
    /// A message was left aside by its receiver, until one asks for it by its number.
    Deferred { sequence: u64 },
    /// A message was dropped: its time to live had ended, and the queue keeps no such letters.
    Expired { sequence: u64 },
    /// A receiver changed application properties of a message, or of a dead letter.
    Changed {
        sequence: u64,
        changes: PropertyChanges,
    },
    /// What receivers of a session keep with it; nothing when they have cleared it.
    SessionState {
        session_id: String,
        state: Option<AmqpBytes>,
    },
    /// A dead letter was left aside, until a receiver asks for it by its number.
    LetterDeferred { sequence: u64 },
    /// A dead letter was handed out under a lock, which does not outlive the process either.
    LetterHandedOut { sequence: u64, delivery_count: u32 },
    /// A dead letter was deleted for good.
    LetterCompleted { sequence: u64 },
}

impl Transition {
    pub(super) fn dead_lettered(letter: &DeadLetter) -> Self {
        Self::DeadLettered {
            sequence: letter.accepted.sequence,
            delivery_count: letter.delivery_count,
            at: letter.at,
            reason: letter.reason.clone(),
        }
    }

    /// Whether the journal has a line for it.
    pub(super) fn is_recorded(&self) -> bool {
        !matches!(self, Self::Duplicate { .. })
    }
}

/// The other lines of a journal: a file that is written anew begins with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum Heading<'a> {
    /// The first line: what the file is.
    Journal { format: u32, queue: Cow<'a, str> },
    /// The last number given, and the latest time told.
    Highest {
        sequence: u64,
        #[serde(with = "rfc3339::option")]
        latest: Option<OffsetDateTime>,
    },
    /// A message id of the duplicate window.
    Remembered {
        message_id: Cow<'a, str>,
        #[serde(with = "rfc3339")]
        at: OffsetDateTime,
    },
}

impl Heading<'_> {
    /// Whether a line is meant as one of these. Its first word tells; with serde's untagged enum
    /// both kinds could be read in one go, but its error for a damaged line says nothing.
    pub(super) fn is_meant_by(line: &[u8]) -> bool {
        let word = line.split(|byte| *byte == b'"').nth(1);
        matches!(word, Some(b"journal" | b"highest" | b"remembered"))
    }
}
