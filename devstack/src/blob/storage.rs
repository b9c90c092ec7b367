//! What the account holds. Knows blobs and conditions, and nothing of HTTP.
//!
//! Everything sits behind one lock, which no method holds for longer than its own call.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

pub use blob::{Blob, Upload};
pub use conditions::{Conditions, ETagCondition};
pub use error::StorageError;
pub(super) use page::{Page, Range};

mod blob;
mod conditions;
mod error;
mod page;

/// What tells one state of a container or blob from another.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) etag: String,
    pub(super) last_modified: OffsetDateTime,
}

/// A handle to the account's content. Clones share it, and it outlives an endpoint's stop.
///
/// The history keeps the bytes of every write for as long as the storage lives.
#[derive(Debug, Clone, Default)]
pub struct BlobStorage(Arc<Mutex<State>>);

/// A write that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The container.
    pub container: String,
    /// The blob's name.
    pub name: String,
    /// The blob as it was from then on.
    pub blob: Blob,
}

#[derive(Debug, Default)]
struct State {
    containers: BTreeMap<String, Container>,
    /// By container and name, and apart from the containers: it survives what was deleted.
    history: HashMap<(String, String), Vec<Blob>>,
    /// The same writes in the order in which they were accepted.
    writes: Vec<Arc<Write>>,
    last_tick: i128,
}

#[derive(Debug)]
struct Container {
    stamp: Stamp,
    blobs: BTreeMap<String, Blob>,
}

impl State {
    fn container(&mut self, name: &str) -> Result<&mut Container, StorageError> {
        let container = self.containers.get_mut(name);
        container.ok_or(StorageError::ContainerNotFound)
    }

    /// The clock in steps of 100 ns, as in the service's ETags, and never the same step twice.
    fn stamp(&mut self) -> Stamp {
        let now = OffsetDateTime::now_utc();
        self.last_tick = (now.unix_timestamp_nanos() / 100).max(self.last_tick + 1);
        Stamp {
            etag: format!("\"0x{:X}\"", self.last_tick),
            last_modified: now,
        }
    }
}

impl BlobStorage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates an empty container.
    ///
    /// # Errors
    /// [`StorageError::ContainerAlreadyExists`].
    pub fn create_container(&self, name: &str) -> Result<(), StorageError> {
        self.add_container(name).map(drop)
    }

    /// Writes a blob as a whole and returns it.
    ///
    /// # Errors
    /// When the container is missing or a condition does not hold; nothing is changed then.
    pub fn put(
        &self,
        container: &str,
        name: &str,
        upload: Upload,
        conditions: &Conditions,
    ) -> Result<Blob, StorageError> {
        let mut state = self.state();
        let current = state.container(container)?.blobs.get(name);
        conditions.allow_write(current.map(|blob| blob.etag.as_str()))?;
        let stamp = state.stamp();
        let blob = upload.into_blob(stamp);
        let blobs = &mut state.container(container)?.blobs;
        blobs.insert(name.to_owned(), blob.clone());
        let key = (container.to_owned(), name.to_owned());
        state.history.entry(key).or_default().push(blob.clone());
        state.writes.push(Arc::new(Write {
            container: container.to_owned(),
            name: name.to_owned(),
            blob: blob.clone(),
        }));
        Ok(blob)
    }

    /// A blob as it is now.
    pub fn blob(&self, container: &str, name: &str) -> Option<Blob> {
        self.get(container, name, &Conditions::default()).ok()
    }

    /// Every state the blob has had, oldest first, deleted ones included.
    pub fn history(&self, container: &str, name: &str) -> Vec<Blob> {
        let key = (container.to_owned(), name.to_owned());
        self.state().history.get(&key).cloned().unwrap_or_default()
    }

    /// Every write that was accepted, in order, without the first `skip`.
    pub fn writes(&self, skip: usize) -> Vec<Arc<Write>> {
        let state = self.state();
        state.writes.iter().skip(skip).cloned().collect()
    }

    /// How many writes were accepted.
    pub fn writes_len(&self) -> usize {
        self.state().writes.len()
    }

    pub(super) fn get(
        &self,
        container: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<Blob, StorageError> {
        let mut state = self.state();
        let blob = state.container(container)?.blobs.get(name);
        let blob = blob.ok_or(StorageError::BlobNotFound)?;
        conditions.allow_read(&blob.etag)?;
        Ok(blob.clone())
    }

    pub(super) fn delete(
        &self,
        container: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let blobs = &mut state.container(container)?.blobs;
        let blob = blobs.get(name).ok_or(StorageError::BlobNotFound)?;
        conditions.allow_delete(&blob.etag)?;
        blobs.remove(name);
        Ok(())
    }

    pub(super) fn list(&self, container: &str, range: &Range) -> Result<Page<Blob>, StorageError> {
        let mut state = self.state();
        Ok(range.page(&state.container(container)?.blobs, Blob::clone))
    }

    pub(super) fn add_container(&self, name: &str) -> Result<Stamp, StorageError> {
        let mut state = self.state();
        if state.containers.contains_key(name) {
            return Err(StorageError::ContainerAlreadyExists);
        }
        let stamp = state.stamp();
        let container = Container {
            stamp: stamp.clone(),
            blobs: BTreeMap::new(),
        };
        state.containers.insert(name.to_owned(), container);
        Ok(stamp)
    }

    pub(super) fn container(&self, name: &str) -> Result<Stamp, StorageError> {
        Ok(self.state().container(name)?.stamp.clone())
    }

    pub(super) fn delete_container(&self, name: &str) -> Result<(), StorageError> {
        let removed = self.state().containers.remove(name);
        removed.map(drop).ok_or(StorageError::ContainerNotFound)
    }

    pub(super) fn containers(&self, range: &Range) -> Page<Stamp> {
        range.page(&self.state().containers, |container| {
            container.stamp.clone()
        })
    }
}
