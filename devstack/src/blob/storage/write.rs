//! An accepted write without its body: what the history of a run is made of.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::Blob;

/// One accepted write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Write {
    /// Where.
    pub container: String,
    /// Which blob.
    pub name: String,
    /// The blob's ETag from then on; quotes included.
    pub etag: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The body's length in bytes.
    pub length: usize,
    /// The body's SHA-256, in hex.
    pub sha256: String,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
}

impl Write {
    /// The write that made `blob`, whose body has this SHA-256.
    pub(super) fn of(container: &str, name: &str, blob: &Blob, sha256: String) -> Self {
        Self {
            container: container.to_owned(),
            name: name.to_owned(),
            etag: blob.etag.clone(),
            at: blob.last_modified,
            length: blob.bytes.len(),
            sha256,
            metadata: blob.metadata.clone(),
        }
    }
}

/// The SHA-256 of `bytes`, in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
