//! The order a message carries: parsed once, then trusted.
//!
//! Only what the reservation needs is read; the document itself is kept byte for byte, unknown
//! fields and all. Reading is strict where a mistake would cost an order (whose session is it?)
//! and open everywhere else: guests have no e-mail address, and `null` is a fine name.

mod delivery;
mod document;
mod enqueued;
mod position;
mod session;

use std::fmt;

use bytes::Bytes;

pub use delivery::Delivery;
pub use enqueued::{EnqueuedTime, EnqueuedTimeError};
pub use position::{
    CLOCK_STEP_MAX_SECS, CONTRADICTION_WINDOW_SECS, Position, SequenceNumber, Standing,
};
pub use session::{BlobName, SESSION_ID_MAX, SessionId, SessionIdError};

use document::Document;

/// How many wrappers around an order are taken off: text in text, or `{"payload": …}`.
const WRAPPERS_MAX: usize = 4;

/// A readable order.
#[derive(Clone)]
pub struct Order {
    /// Whose order it is.
    pub session: SessionId,
    /// The order document exactly as published (UTF-8 JSON), out of its wrapper if it had one.
    pub body: Bytes,
    /// Its message's place in the queue; without it the order cannot be compared with another.
    pub position: Option<Position>,
    /// The publisher's id of the message.
    pub message_id: Option<String>,
}

/// Why a message is no order. Never quotes the body: it may hold an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Nothing there.
    #[error("the message is empty; expected a JSON object")]
    Empty,
    /// JSON is UTF-8 (RFC 8259 §8.1).
    #[error("the message is not UTF-8: byte {at} is not part of a character")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// Not JSON at all, cut off, or a key that stands twice.
    #[error("the message is not a JSON object: {0}")]
    NotJson(String),
    /// JSON, but something else than expected.
    #[error("`{field}` is {found}; expected {expected}")]
    WrongType {
        /// Path of the field.
        field: String,
        /// What would have been right.
        expected: &'static str,
        /// What is there instead.
        found: &'static str,
    },
    /// More wrappers than anybody means.
    #[error("the order is wrapped more than {WRAPPERS_MAX} times")]
    WrappedTooOften,
    /// Neither the broker nor the body names a session.
    #[error(
        "no session id: neither SessionId of the message nor sessionId, id or orderId of the body is set"
    )]
    NoSessionId,
    /// Empty or too long.
    #[error(transparent)]
    SessionId(#[from] SessionIdError),
}

impl Order {
    /// Reads the order out of a delivery.
    ///
    /// The session is the first that is set of: the broker's `SessionId`, then `sessionId`, `id`
    /// and `orderId` of the body, the wrapper's before the order's.
    ///
    /// # Errors
    /// When the body is not a JSON object, no session is named, or `products` is not a list of
    /// objects whose `id` and `quantity`, where set, are 64-bit integers.
    pub fn parse(delivery: &Delivery) -> Result<Self, OrderError> {
        let mut body = delivery.body.clone();
        let mut session = delivery.session_id.clone().filter(|id| !id.is_empty());
        for _ in 0..=WRAPPERS_MAX {
            let document = Document::read(&body)?;
            if session.is_none() {
                session = document.session()?;
            }
            let Some(inner) = document.inner()? else {
                document.check_products()?;
                return Ok(Self {
                    session: SessionId::new(session.ok_or(OrderError::NoSessionId)?)?,
                    body,
                    position: delivery.position(),
                    message_id: delivery.message_id.clone(),
                });
            };
            body = inner;
        }
        Err(OrderError::WrappedTooOften)
    }
}

/// Without the body: it may hold an e-mail address.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("session", &self.session)
            .field("position", &self.position)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
