//! What was written since the start: every write without its content, and the newest contents.
//!
//! Judges read the writes, a few hundred bytes each, however many there are. The contents are for
//! people who look at the versions of a blob; what they take together is bounded, so that a run of
//! any length fits in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;

use super::blob::{Blob, Digest};

/// What the contents may take together, in bytes: more than the largest body there is.
const CONTENTS_MAX: usize = 16 * 1024 * 1024;

/// What a version takes beside its content, in bytes: roughly.
const VERSION_SIZE: usize = 1024;

/// One accepted write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Write {
    pub container: String,
    pub name: String,
    /// The blob's ETag from then on; quotes included.
    pub etag: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The body's length in bytes.
    pub length: usize,
    /// The body's SHA-256, in hex.
    pub sha256: String,
    pub metadata: BTreeMap<String, String>,
}

/// Where a blob is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BlobName {
    container: String,
    blob: String,
}

/// A write in little memory: a map for the metadata alone would take more.
#[derive(Debug)]
struct KeptWrite {
    name: Arc<BlobName>,
    etag: Box<str>,
    at: OffsetDateTime,
    length: usize,
    digest: Digest,
    metadata: Box<[(Box<str>, Box<str>)]>,
}

impl BlobName {
    fn new(container: &str, blob: &str) -> Self {
        Self {
            container: container.to_owned(),
            blob: blob.to_owned(),
        }
    }
}

impl KeptWrite {
    fn new(name: &Arc<BlobName>, blob: &Blob, digest: Digest) -> Self {
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

    fn write(&self) -> Write {
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

/// The versions of one blob.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// So many came before the first that is kept.
    pub forgotten: usize,
    /// The newest, oldest first.
    pub kept: VecDeque<Blob>,
}

/// It is apart from the containers, and survives what was deleted.
#[derive(Debug, Default)]
pub(super) struct History {
    writes: Vec<KeptWrite>,
    versions: HashMap<Arc<BlobName>, Versions>,
    /// Whose versions are kept, from the oldest to the newest.
    order: VecDeque<Arc<BlobName>>,
    /// What the versions that are kept take.
    size: usize,
}

impl Versions {
    /// The present state is there in any case: the blob itself has it.
    pub(super) fn or_only(mut self, present: Option<&Blob>) -> Self {
        if self.kept.is_empty()
            && let Some(blob) = present
        {
            // Forgotten, or not written since the start.
            self.forgotten = self.forgotten.saturating_sub(1);
            self.kept.push_back(blob.clone());
        }
        self
    }
}

impl History {
    /// Adds the write that made `blob`, whose content has this digest.
    pub(super) fn add(&mut self, container: &str, name: &str, blob: Blob, digest: Digest) {
        let name = self.name(container, name);
        self.writes.push(KeptWrite::new(&name, &blob, digest));
        self.keep(name, blob);
    }

    /// Adds the state in which the start found a blob, before the first write to it.
    pub(super) fn found(&mut self, container: &str, name: &str, blob: Blob) {
        let name = self.name(container, name);
        self.keep(name, blob);
    }

    fn keep(&mut self, name: Arc<BlobName>, blob: Blob) {
        self.size += size(&blob);
        self.order.push_back(Arc::clone(&name));
        self.versions.entry(name).or_default().kept.push_back(blob);
        while self.size > CONTENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget_one_of(&oldest);
        }
    }

    /// Every write but the first `count`, oldest first.
    pub(super) fn writes_after(&self, count: usize) -> Vec<Write> {
        let writes = self.writes.get(count..).unwrap_or_default();
        writes.iter().map(KeptWrite::write).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    pub(super) fn versions(&self, container: &str, name: &str) -> Versions {
        let versions = self.versions.get(&BlobName::new(container, name));
        versions.cloned().unwrap_or_default()
    }

    pub(super) fn count(&self, container: &str, name: &str) -> usize {
        let versions = self.versions.get(&BlobName::new(container, name));
        versions.map_or(0, |versions| versions.forgotten + versions.kept.len())
    }

    /// One name for all writes of a blob.
    fn name(&self, container: &str, name: &str) -> Arc<BlobName> {
        let name = BlobName::new(container, name);
        let known = self.versions.get_key_value(&name);
        known.map_or_else(|| Arc::new(name), |(known, _)| Arc::clone(known))
    }

    fn forget_one_of(&mut self, name: &BlobName) {
        if let Some(versions) = self.versions.get_mut(name)
            && let Some(blob) = versions.kept.pop_front()
        {
            versions.forgotten += 1;
            self.size -= size(&blob);
            if versions.kept.is_empty() {
                // Most blobs of a long run were written long ago.
                versions.kept.shrink_to_fit();
            }
        }
    }
}

fn size(blob: &Blob) -> usize {
    VERSION_SIZE + blob.bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(number: usize, length: usize) -> Blob {
        Blob {
            bytes: vec![b'x'; length].into(),
            metadata: [("sequence".to_owned(), number.to_string())].into(),
            content_type: String::new(),
            etag: format!("\"{number}\""),
            last_modified: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_write_stays_and_the_oldest_contents_go() {
        let mut history = History::default();
        let (rounds, length) = (40, 512 * 1024);
        for number in 0..rounds {
            history.add("orders", "a", blob(number, length), Digest::default());
            history.add("orders", "b", blob(number, 0), Digest::default());
        }
        let (a, b) = (
            history.versions("orders", "a"),
            history.versions("orders", "b"),
        );
        for versions in [&a, &b] {
            assert_eq!(versions.forgotten + versions.kept.len(), rounds);
            let newest = versions.kept.back().expect("the newest is kept");
            assert_eq!(newest.metadata["sequence"], "39");
        }
        let kept: usize = a.kept.iter().chain(&b.kept).map(size).sum();
        assert!(kept <= CONTENTS_MAX, "{kept}");
        assert!(kept > CONTENTS_MAX - 2 * size(&blob(0, length)), "{kept}");
        assert_eq!(history.size, kept);

        let writes = history.writes_after(2 * rounds - 2);
        assert_eq!(history.len(), 2 * rounds);
        assert_eq!(history.writes_after(0).len(), 2 * rounds);
        assert_eq!(
            (writes[0].name.as_str(), writes[1].name.as_str()),
            ("a", "b")
        );
        assert_eq!(
            (writes[0].length, writes[0].etag.as_str()),
            (length, "\"39\"")
        );
        assert_eq!(writes[0].metadata["sequence"], "39");
    }

    #[test]
    fn a_blob_of_the_same_name_elsewhere_is_another() {
        let mut history = History::default();
        history.add("orders", "a", blob(1, 1), Digest::default());
        history.add("others", "a", blob(2, 1), Digest::default());
        assert_eq!(history.versions("orders", "a").kept, [blob(1, 1)]);
        assert_eq!(history.versions("others", "a").kept, [blob(2, 1)]);
        assert!(history.versions("others", "b").kept.is_empty());
    }
}
