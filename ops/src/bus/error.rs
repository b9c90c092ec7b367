//! What the queue's refusals mean to an operator.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use service_bus::retry_after;

use super::{Bus, TokenError};
use crate::text::harmless;

/// How much of the broker's own words is shown, in characters.
const DETAIL_MAX: usize = 300;

/// Why the queue did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No connection, or it broke before the answer was complete.
    #[error("{host} cannot be reached: {cause}")]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// The innermost cause.
        cause: String,
    },
    /// No answer in time.
    #[error("the queue gave no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// No token to show.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 401.
    #[error(
        "the queue does not accept our token (401): the key or identity in ServiceBusConnection is not known there{0}"
    )]
    Unauthorized(Detail),
    /// 403.
    #[error(
        "the queue refuses (403): receiving needs the role Azure Service Bus Data Receiver, or a key with the right Listen{0}"
    )]
    Forbidden(Detail),
    /// 404 or 410.
    #[error("there is no queue `{queue}` in {host} ({status}){detail}")]
    NoQueue {
        /// The name that was asked for.
        queue: String,
        /// Where.
        host: String,
        /// 404 or 410.
        status: u16,
        /// The broker's words.
        detail: Detail,
    },
    /// 408, 429 or 5xx, also after retries.
    #[error("the queue is busy or down ({status}){detail}")]
    Busy {
        /// The status.
        status: u16,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
        /// The broker's words.
        detail: Detail,
    },
    /// Any other status.
    #[error("the queue answered {0}{1}")]
    Refused(u16, Detail),
    /// The lock on the letter ended before it was settled.
    #[error("the lock was lost")]
    LockLost,
    /// Gone at a later try, while an earlier one had no clear answer.
    #[error("the deletion was not confirmed: its answer was lost, or the lock")]
    PerhapsDeleted,
    /// A success that is none.
    #[error("unexpected answer of the queue: {0}")]
    Unexpected(String),
}

/// The broker's own words on a refusal, fit for a terminal; empty when it said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail(String);

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            words => write!(f, "; it says: {words}"),
        }
    }
}

impl Detail {
    fn from_body(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let words: Vec<&str> = text.split_whitespace().collect();
        let words: String = words.join(" ").chars().take(DETAIL_MAX).collect();
        Self(harmless(&words))
    }
}

impl BusError {
    pub(super) fn from_answer(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        bus: &Bus,
    ) -> Self {
        let detail = Detail::from_body(body);
        let status = status.as_u16();
        match status {
            401 => Self::Unauthorized(detail),
            403 => Self::Forbidden(detail),
            404 | 410 => Self::NoQueue {
                queue: bus.queue().to_owned(),
                host: bus.origin(),
                status,
                detail,
            },
            408 | 429 | 500..=599 => Self::Busy {
                status,
                retry_after: retry_after(headers),
                detail,
            },
            _ => Self::Refused(status, detail),
        }
    }

    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut(_) | Self::Busy { .. }
        )
    }

    /// Whether the request may have been carried out all the same.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.is_passing() && !matches!(self, Self::Busy { status: 429, .. })
    }

    /// How long the broker asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
