//! What the write protocol needs of Blob Storage: three requests, each sent once.

use std::fmt;
use std::future::Future;

use crate::order::{Order, SessionId};
use crate::store::{StoreError, Stored};

/// A version of a blob, opaque (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(pub String);

/// The state the blob must be in for a PUT to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `If-None-Match: *`: there is no such blob.
    Absent,
    /// `If-Match`: it is still this version.
    Version(ETag),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no such blob"),
            Self::Version(ETag(etag)) => write!(f, "ETag {etag}"),
        }
    }
}

/// The answer to a PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutReply {
    /// Applied; the new version, if the answer named it.
    Written(Option<ETag>),
    /// The condition did not hold (409 or 412).
    Conflict,
    /// There is no container yet.
    NoContainer,
}

/// What a HEAD says of the stored blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its version.
    pub etag: ETag,
    /// What is in it.
    pub stored: Stored,
}

/// The few requests that the protocol needs of Blob Storage.
pub trait BlobService: Send + Sync + 'static {
    /// Put Blob with the order's position in the metadata of the same request.
    ///
    /// # Errors
    /// Anything but a clear yes or a refused condition; the PUT may have been applied.
    fn put_blob(
        &self,
        order: &Order,
        condition: &Condition,
    ) -> impl Future<Output = Result<PutReply, StoreError>> + Send;

    /// Get Blob Properties; `None` when there is no blob.
    ///
    /// # Errors
    /// Anything but a clear answer.
    fn head_blob(
        &self,
        session: &SessionId,
    ) -> impl Future<Output = Result<Option<Head>, StoreError>> + Send;

    /// Create Container; one that exists is a success.
    ///
    /// # Errors
    /// Anything else.
    fn create_container(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}
