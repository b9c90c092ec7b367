//! One hand-out of a message by the broker.

use std::fmt;

use azure_app::trace::TraceContext;
use bytes::Bytes;

use super::{EnqueuedTime, Position, SequenceNumber};

/// The largest message of a Standard namespace, in bytes, properties included. ("Service Bus
/// quotas": Premium takes 100 MB, which is more than an invocation can carry.)
pub const MESSAGE_MAX: usize = 256 * 1024;

/// What the broker says of a message, and its body. Everything but the body may be missing: the
/// host leaves out what is not set, and what the body may have overwritten is not trusted.
#[derive(Clone, Default)]
pub struct Delivery {
    /// The message's bytes, as published.
    pub body: Bytes,
    /// `MessageId`, the publisher's.
    pub message_id: Option<String>,
    /// `SessionId`, the publisher's.
    pub session_id: Option<String>,
    /// `SequenceNumber`, the broker's.
    pub sequence_number: Option<SequenceNumber>,
    /// `EnqueuedTime`, the broker's.
    pub enqueued: Option<EnqueuedTime>,
    /// `DeliveryCount`: 1 for the first delivery.
    pub delivery_count: Option<u32>,
    /// The trace that the message belongs to: its publisher's, as far as it has come.
    pub trace: Option<TraceContext>,
}

impl Delivery {
    /// The message's place in its queue, when both of its parts are known and are one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        Position::new(self.sequence_number?, self.enqueued?)
    }
}

/// Without the body: it may hold an e-mail address.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("message_id", &self.message_id)
            .field("session_id", &self.session_id)
            .field("sequence_number", &self.sequence_number)
            .field("enqueued", &self.enqueued)
            .field("delivery_count", &self.delivery_count)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
