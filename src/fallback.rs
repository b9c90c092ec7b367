//! Port: who takes an order that could not be stored.

pub mod logic_app;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::order::{BlobName, Delivery, Order, OrderError};
use crate::retry::Exhausted;
use crate::store::StoreError;

/// The longest body that is handed over, in bytes: all that an invocation can bring. As base64 it
/// is well below the 10 MB that the mail service takes of one request.
pub const HANDED_OVER_MAX: usize = 4 * 1024 * 1024;

/// Hands an order over to a person.
pub trait Fallback: Send + Sync + 'static {
    /// One try; success means that somebody will read the notice.
    ///
    /// # Errors
    /// Anything but a clear acceptance.
    fn send(&self, notice: &Notice<'_>) -> impl Future<Output = Result<(), FallbackError>> + Send;
}

/// What is handed over: the delivery, its order if it has one, and why.
#[derive(Debug)]
pub struct Notice<'a> {
    /// The message; its properties go with the notice.
    pub delivery: &'a Delivery,
    /// The order in it, unless it is unreadable.
    pub order: Option<&'a Order>,
    /// Why it is not stored, in words for a person too.
    pub reason: &'a Reason,
}

/// Why an order is handed over.
#[derive(Debug)]
pub enum Reason {
    /// The message is no order: uploading it was not tried.
    Unreadable(OrderError),
    /// No upload was confirmed. One of them may have landed all the same.
    NotConfirmed(Exhausted<StoreError>),
}

impl Reason {
    /// Uploads that were tried: none of what is no order.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Unreadable(_) => 0,
            Self::NotConfirmed(exhausted) => exhausted.attempts,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "unreadable order: {error}"),
            Self::NotConfirmed(error) => write!(f, "upload could not be confirmed: {error}"),
        }
    }
}

impl Notice<'_> {
    /// Where the order would have been stored.
    #[must_use]
    pub fn blob_name(&self) -> Option<BlobName> {
        self.order.map(|order| order.session.blob_name())
    }
}

/// Why nobody took the order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FallbackError {
    /// No answer within `FALLBACK_TIMEOUT_MS`: a person may have been told all the same.
    #[error("fallback gave no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The workflow answered, but not with a 2xx.
    #[error("fallback answered {0}")]
    Refused(u16),
    /// No connection, or it broke before the answer.
    /// Holds the innermost cause only: the outer ones quote the URL, which may be signed.
    #[error("fallback unreachable: {0}")]
    Unreachable(String),
    /// Nobody was asked: the order stays where it is, by the caller's choice.
    #[error("not handed over")]
    Withheld,
    /// Too long to be mailed whole; its length in bytes.
    #[error("{0} bytes are not mailed in part; expected at most {HANDED_OVER_MAX}")]
    TooLong(usize),
    /// The identity gets no token for the workflow; the innermost cause.
    #[error("no token for the fallback: {0}")]
    Credential(String),
}
