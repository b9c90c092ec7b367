//! A blob on its way in, and as it is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use time::OffsetDateTime;

use super::etags::Stamp;

/// A block blob in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The content.
    pub bytes: Bytes,
    /// The metadata; names in lower case, as HTTP carries them.
    pub metadata: BTreeMap<String, String>,
    /// The media type.
    pub content_type: String,
    /// Changes with every write; quotes included.
    pub etag: String,
    /// When it was written.
    pub last_modified: OffsetDateTime,
}

/// What a client sends to be stored.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// The content.
    pub bytes: Bytes,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
    /// The media type.
    pub content_type: String,
}

impl Upload {
    pub(super) fn into_blob(self, stamp: Stamp) -> Blob {
        Blob {
            // A part of the buffer that a connection read into: it would keep the whole buffer in memory.
            bytes: Bytes::copy_from_slice(&self.bytes),
            metadata: self.metadata,
            content_type: self.content_type,
            etag: stamp.etag,
            last_modified: stamp.last_modified,
        }
    }
}
