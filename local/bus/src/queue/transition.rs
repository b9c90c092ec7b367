//! What happens to messages, told in the order in which it happens.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::message::{Accepted, DeadLetter, DeadLetterReason};

/// One change of the queue's state.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// A message waits from now on.
    Accepted(Arc<Accepted>),
    /// A message was dropped: its id was seen within the window.
    Duplicate {
        /// The id.
        message_id: String,
    },
    /// A message was handed out under a lock.
    Locked {
        /// Its number.
        sequence: u64,
        /// 1 on the first hand-out.
        delivery_count: u32,
        /// Settles this hand-out and no other.
        lock_token: Uuid,
    },
    /// A message was settled for good.
    Completed {
        /// Its number.
        sequence: u64,
    },
    /// A message was given back, or its lock ended: it waits again.
    Released {
        /// Its number.
        sequence: u64,
        /// Hand-outs so far.
        delivery_count: u32,
    },
    /// A message is a dead letter from now on.
    DeadLettered {
        /// Its number.
        sequence: u64,
        /// Hand-outs it had.
        delivery_count: u32,
        /// When.
        at: OffsetDateTime,
        /// Why.
        reason: DeadLetterReason,
    },
    /// A dead letter was deleted for good.
    LetterCompleted {
        /// Its number.
        sequence: u64,
    },
}

impl Transition {
    pub(super) fn dead_lettered(letter: &DeadLetter) -> Self {
        Self::DeadLettered {
            sequence: letter.accepted.sequence,
            delivery_count: letter.delivery_count,
            at: letter.at,
            reason: letter.reason,
        }
    }
}
