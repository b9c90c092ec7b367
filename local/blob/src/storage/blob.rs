//! What the account is made of: blobs, containers, ETags, digests, and the errors that speak of
//! them.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use sha2::digest::Output;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// A block blob in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub bytes: Bytes,
    /// The metadata; names in lower case, as HTTP carries them.
    pub metadata: BTreeMap<String, String>,
    pub content_type: String,
    /// Changes with every write; quotes included.
    pub etag: String,
    /// When it was written.
    pub last_modified: OffsetDateTime,
}

/// What a client sends to be stored.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    pub bytes: Bytes,
    pub metadata: BTreeMap<String, String>,
    pub content_type: String,
}

impl Upload {
    pub(super) fn into_blob(self, stamp: Stamp) -> Blob {
        Blob {
            // A part of the buffer that a connection read into: it would keep the whole buffer in
            // memory.
            bytes: Bytes::copy_from_slice(&self.bytes),
            metadata: self.metadata,
            content_type: self.content_type,
            etag: stamp.etag,
            last_modified: stamp.last_modified,
        }
    }
}

/// A container and the blobs in it.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) stamp: Stamp,
    pub(super) blobs: BTreeMap<String, Blob>,
}

/// What tells one state of a container or blob from another.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) etag: String,
    pub(crate) last_modified: OffsetDateTime,
}

/// The step of the last ETag that was given out: the clock in steps of 100 ns, as in the
/// service's, and never the same step twice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ETags(i128);

impl ETags {
    /// A new one, of this moment.
    pub(super) fn stamp(&mut self) -> Stamp {
        let now = OffsetDateTime::now_utc();
        self.0 = (now.unix_timestamp_nanos() / 100).max(self.0 + 1);
        Stamp {
            etag: self.last(),
            last_modified: now,
        }
    }

    /// An ETag that was given out earlier, and is not to come again. False when it is none of ours.
    pub(super) fn saw(&mut self, etag: &str) -> bool {
        let digits = etag.trim_matches('"').strip_prefix("0x");
        let step = digits.and_then(|digits| i128::from_str_radix(digits, 16).ok());
        self.0 = self.0.max(step.unwrap_or_default());
        step.is_some()
    }

    /// A new one, as soon after the last one as there can be.
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        self.last()
    }

    /// The last one; quotes included.
    pub(super) fn last(self) -> String {
        format!("\"0x{:X}\"", self.0)
    }
}

/// A SHA-256. Shown with `{:x}` it is the hex that everybody knows.
pub(super) type Digest = Output<Sha256>;

/// The SHA-256 of `bytes`.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes)
}

/// The same in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", digest(bytes))
}

/// Why the account refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    #[error("The specified container does not exist.")]
    ContainerNotFound,
    #[error("The specified container already exists.")]
    ContainerAlreadyExists,
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
