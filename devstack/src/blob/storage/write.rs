//! An accepted write without its body: what the history of a run is made of.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::digest::Output;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

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
