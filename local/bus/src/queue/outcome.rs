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

/// What became of a session that a receiver asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is held by another receiver")]
pub struct SessionHeld;

/// There is no message with such a number where it was looked for; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchNumber {
    #[error("no deferred message has the number {0}")]
    Deferred(u64),
    #[error("no scheduled message has the number {0}")]
    Scheduled(u64),
}

/// What became of a message that was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Left aside by a receiver, until one asks for them by their numbers.
    pub deferred: usize,
    pub scheduled: usize,
}

/// Where a message stands that is no dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MessageState {
    /// It waits for a receiver, or is with one.
    Active,
    Deferred,
    Scheduled,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// Whoever has the queue in its own process: the local host.
    InProcess,
    Rest,
    /// A receiver with an AMQP link: see [`crate::Receiver`].
    Link(u64),
}

/// A lock that is held on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLock {
    pub sequence: u64,
    pub session_id: Option<String>,
    pub dead_letter: bool,
    pub by: Holder,
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// A lock that is held on a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSession {
    pub session_id: String,
    pub by: Holder,
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// A message seen without taking it.
#[derive(Debug, Clone, PartialEq)]
pub struct Peeked {
    pub accepted: Accepted,
    pub state: MessageState,
    /// Hand-outs so far.
    pub delivery_count: u32,
    /// When its lock ends, if it is handed out.
    pub locked_until: Option<OffsetDateTime>,
}
