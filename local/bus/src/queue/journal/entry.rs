//! One line of the journal.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::queue::message::{Accepted, DeadLetterReason};
use crate::queue::transition::Transition;

#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on its way from or to a line"
)]
/// What happened, or, in the lines a compaction writes, what is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(in crate::queue) enum Entry<'a> {
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
    /// A message waits from now on.
    Accepted(Cow<'a, Accepted>),
    /// A message was handed out; its lock does not outlive the process, the count does.
    HandedOut { sequence: u64, delivery_count: u32 },
    /// A message waits again, with this many hand-outs counted.
    Released { sequence: u64, delivery_count: u32 },
    /// A message was settled for good.
    Completed { sequence: u64 },
    /// A message is a dead letter from now on.
    DeadLettered {
        sequence: u64,
        delivery_count: u32,
        #[serde(with = "rfc3339")]
        at: OffsetDateTime,
        reason: DeadLetterReason,
    },
    /// A dead letter was handed out.
    LetterHandedOut { sequence: u64, delivery_count: u32 },
    /// A dead letter was deleted for good.
    LetterCompleted { sequence: u64 },
}

impl<'a> Entry<'a> {
    /// The entry for a transition; a duplicate leaves no trace.
    pub(in crate::queue) fn of(transition: &'a Transition) -> Option<Self> {
        Some(match transition {
            Transition::Accepted(accepted) => Self::Accepted(Cow::Borrowed(accepted)),
            Transition::Duplicate { .. } => return None,
            &Transition::Locked {
                sequence,
                delivery_count,
                ..
            } => Self::HandedOut {
                sequence,
                delivery_count,
            },
            &Transition::Released {
                sequence,
                delivery_count,
            } => Self::Released {
                sequence,
                delivery_count,
            },
            &Transition::Completed { sequence } => Self::Completed { sequence },
            &Transition::DeadLettered {
                sequence,
                delivery_count,
                at,
                reason,
            } => Self::DeadLettered {
                sequence,
                delivery_count,
                at,
                reason,
            },
            &Transition::LetterCompleted { sequence } => Self::LetterCompleted { sequence },
        })
    }
}
