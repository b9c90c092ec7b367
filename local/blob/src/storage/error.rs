//! Why the account refused.

use std::io;

/// Why the account refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No such container.
    #[error("The specified container does not exist.")]
    ContainerNotFound,
    /// The container is there already.
    #[error("The specified container already exists.")]
    ContainerAlreadyExists,
    /// No such blob.
    #[error("The specified blob does not exist.")]
    BlobNotFound,
    /// The write was for a new blob only.
    #[error("The specified blob already exists.")]
    BlobAlreadyExists,
    /// A condition on the present state does not hold.
    #[error("The condition specified using HTTP conditional header(s) is not met.")]
    ConditionNotMet,
    /// The reader knows this state already.
    #[error("The blob is unchanged.")]
    NotModified,
    /// The folder of the blobs did not take it.
    #[error("The folder of the local blobs did not take it: {0}.")]
    NotKept(io::ErrorKind),
}
