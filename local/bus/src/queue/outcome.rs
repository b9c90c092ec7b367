//! What the queue answers.

use serde::Serialize;
use time::OffsetDateTime;

use super::message::{Accepted, DeadLetterReason};

/// What became of a message that was sent; the publisher sees no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    Accepted {
        sequence: u64,
    },
    /// Its message id was seen within the window: dropped without a word.
    Duplicate,
}

/// Why a send is not accepted; nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    #[error("the queue requires sessions: expected a SessionId on every message, found none")]
    NoSession,
    /// It cannot be written down.
    #[error("the message cannot be kept: {0}")]
    NotKept(String),
}

/// What became of a message that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It is the first in the queue again.
    Available,
    /// It was handed out as often as the queue allows.
    DeadLettered(DeadLetterReason),
}

/// The lock token is not, or no longer, the one of a locked message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lock is lost: it expired, or the message was settled already")]
pub struct LockLost;

/// The session lock is not, or no longer, held under this token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session lock is lost: it expired, or the session was closed")]
pub struct SessionLost;

/// How many messages are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub active: usize,
    pub locked: usize,
    pub dead_lettered: usize,
}

/// A message seen without taking it.
#[derive(Debug, Clone, PartialEq)]
pub struct Peeked {
    pub accepted: Accepted,
    /// Hand-outs so far.
    pub delivery_count: u32,
    /// When its lock ends, if it is handed out.
    pub locked_until: Option<OffsetDateTime>,
}
