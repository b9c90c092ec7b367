//! An accepted write without its body: what the history of a run is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use sha2::digest::Output;
use sha2::{Digest as _, Sha256};
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

/// Where a blob is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    container: String,
    blob: String,
}

/// A write in little memory: a map for the metadata alone would take more.
#[derive(Debug)]
pub(super) struct Entry {
    name: Arc<Name>,
    etag: Box<str>,
    at: OffsetDateTime,
    length: usize,
    digest: Digest,
    metadata: Box<[(Box<str>, Box<str>)]>,
}

impl Name {
    pub(super) fn of(container: &str, blob: &str) -> Self {
        Self {
            container: container.to_owned(),
            blob: blob.to_owned(),
        }
    }
}

impl Entry {
    pub(super) fn of(name: &Arc<Name>, blob: &Blob, digest: Digest) -> Self {
        let metadata = blob.metadata.iter();
        Self {
            name: Arc::clone(name),
            etag: blob.etag.as_str().into(),
            at: blob.last_modified,
            length: blob.bytes.len(),
            digest,
            metadata: metadata
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect(),
        }
    }

    /// As it is told.
    pub(super) fn write(&self) -> Write {
        let metadata = self.metadata.iter();
        Write {
            container: self.name.container.clone(),
            name: self.name.blob.clone(),
            etag: self.etag.to_string(),
            at: self.at,
            length: self.length,
            sha256: format!("{:x}", self.digest),
            metadata: metadata
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        }
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
