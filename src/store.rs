//! Port: where orders are kept.

pub mod azure;
pub mod blob;
pub mod stored;

use std::future::Future;
use std::time::Duration;

use storage_account::StorageError;

use crate::order::Order;
use crate::retry::Retriable;
pub use stored::{Doubt, Origin, Stored, Verdict};

/// Keeps the newest order of each session.
pub trait OrderStore: Send + Sync + 'static {
    /// One attempt to make `order` the stored one of its session.
    ///
    /// # Errors
    /// When it could not be confirmed. The order may have been stored all the same.
    fn put(&self, order: &Order) -> impl Future<Output = Result<Put, StoreError>> + Send;

    /// The same after an attempt that failed: by another way, where the store has one.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn put_again(&self, order: &Order) -> impl Future<Output = Result<Put, StoreError>> + Send {
        self.put(order)
    }
}

/// A confirmed end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The order is stored: written now, or found to have been written by an earlier attempt.
    Stored,
    /// A newer order of the session is stored: its position was read during this attempt.
    Superseded,
}

/// Why an attempt could not be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No answer within `UPLOAD_ATTEMPT_TIMEOUT_MS`; the order may be stored, now or later.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// What went wrong with one request.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The container is missing and could not be created.
    #[error("the container is missing and cannot be created: {0}")]
    NoContainer(#[source] Box<Self>),
    /// The container was created, and is missing all the same.
    #[error("the container was created but is still missing")]
    ContainerVanished,
    /// Others wrote the same session in each of this many rounds.
    #[error("other writers of the session came first {0} times")]
    Contended(usize),
    /// The storage shows a state of the blob, refuses a write to just that state, and shows it
    /// again: something between us changes ETags, drops conditions, or refuses on its own.
    #[error(
        "the storage refuses a write to the very state that it shows before and after ({0}); \
         expected If-Match and If-None-Match to work, and ETags unchanged by what is in between"
    )]
    ConditionRefused(String),
    /// A person has to say which order is newer.
    #[error("cannot tell which order is newer: {0}")]
    Contradictory(#[source] Doubt),
}

impl Retriable for StoreError {
    fn timed_out(limit: Duration) -> Self {
        Self::TimedOut(limit)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Storage(StorageError::Refused { retry_after, .. }) => *retry_after,
            Self::NoContainer(source) => source.retry_after(),
            _ => None,
        }
    }
}
