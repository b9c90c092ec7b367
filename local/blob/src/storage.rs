//! What the account holds, in memory or in a folder too. Knows blobs and conditions, and nothing of
//! HTTP.
//!
//! A change goes through the conditions on the present state, gets its ETag, is decided by the
//! `disk` when there is a folder, and only then is in the containers and in the `history`.
//! Everything sits behind one lock, which no method holds for longer than its own call.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use blob::Stamp;
pub use blob::{Blob, StorageError, Upload};
use blob::{Container, ETags};
pub use conditions::{Conditions, ETagCondition};
pub use disk::OpenError;
use disk::{Disk, Remainder};
use history::History;
pub use history::{Versions, Write};
pub(crate) use page::{NameRange, Page};

mod blob;
mod conditions;
mod disk;
mod draft;
mod history;
mod names;
mod page;
mod recovery;

/// A handle to the account's content. Clones share it, and it outlives an endpoint's stop.
#[derive(Debug, Clone, Default)]
pub struct BlobStorage(Arc<Mutex<AccountState>>);

/// A blob, and where it is.
#[derive(Debug, Clone)]
pub struct StoredBlob {
    pub container: String,
    pub name: String,
    pub blob: Blob,
    /// How many states it has had since the start, as in [`BlobStorage::versions`].
    pub versions: usize,
}

#[derive(Debug, Default)]
struct AccountState {
    containers: BTreeMap<String, Container>,
    history: History,
    etags: ETags,
    disk: Option<Disk>,
}

impl AccountState {
    fn container(&mut self, name: &str) -> Result<&mut Container, StorageError> {
        let container = self.containers.get_mut(name);
        container.ok_or(StorageError::ContainerNotFound)
    }

    /// Decides a change on the disk, if there is one; on an error nothing is changed.
    fn keep(
        &mut self,
        decide: impl FnOnce(&mut Disk) -> io::Result<Remainder>,
    ) -> Result<Remainder, StorageError> {
        let remainder = self.disk.as_mut().map_or(Ok(Remainder::Nothing), decide);
        remainder.map_err(|error| StorageError::NotKept(error.kind()))
    }
}

/// After the change is made: an error is then like a reply that was lost.
fn finish(remainder: Remainder) -> Result<(), StorageError> {
    remainder
        .finish()
        .map_err(|error| StorageError::NotKept(error.kind()))
}

impl BlobStorage {
    /// What is kept in `folder`, which is made when it is missing; every change is kept there from
    /// now on. Each blob is a plain file below it, and `writes.jsonl` has what else there is to
    /// know.
    ///
    /// # Errors
    /// When the folder cannot be read or written, is in use, or holds what is none of ours.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (disk, recovered) = recovery::open(folder)?;
        let state = AccountState {
            containers: recovered.containers,
            etags: recovered.etags,
            disk: Some(disk),
            ..AccountState::default()
        };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    fn state(&self) -> MutexGuard<'_, AccountState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let digest = blob::digest(&upload.bytes);
        let mut state = self.state();
        let is_unknown = state.history.count(container, name) == 0;
        let current = state.container(container)?.blobs.get(name);
        conditions.allow_write(current.map(|blob| blob.etag.as_str()))?;
        // What was there before this run is no write of this run, and a version all the same.
        let found = current.filter(|_| is_unknown).cloned();
        let stamp = state.etags.stamp();
        let blob = upload.into_blob(stamp);
        let remainder = state.keep(|disk| disk.write(container, name, &blob, &digest))?;
        if let Some(found) = found {
            state.history.found(container, name, found);
        }
        let blobs = &mut state.container(container)?.blobs;
        blobs.insert(name.to_owned(), blob.clone());
        state.history.add(container, name, blob.clone(), digest);
        finish(remainder)?;
        Ok(blob)
    }

    /// A blob as it is now.
    pub fn blob(&self, container: &str, name: &str) -> Option<Blob> {
        self.get(container, name, &Conditions::default()).ok()
    }

    pub(crate) fn get(
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

    /// Deletes a blob.
    ///
    /// # Errors
    /// When it is missing or a condition does not hold; nothing is changed then.
    pub fn delete(
        &self,
        container: &str,
        name: &str,
        conditions: &Conditions,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let blobs = &state.container(container)?.blobs;
        let blob = blobs.get(name).ok_or(StorageError::BlobNotFound)?;
        conditions.allow_delete(&blob.etag)?;
        let remainder = state.keep(|disk| disk.delete(container, name))?;
        state.container(container)?.blobs.remove(name);
        finish(remainder)
    }

    pub(crate) fn list(
        &self,
        container: &str,
        range: &NameRange,
    ) -> Result<Page<Blob>, StorageError> {
        let mut state = self.state();
        Ok(range.page(&state.container(container)?.blobs, Blob::clone))
    }

    /// Creates an empty container.
    ///
    /// # Errors
    /// [`StorageError::ContainerAlreadyExists`].
    pub fn create_container(&self, name: &str) -> Result<(), StorageError> {
        self.add_container(name).map(drop)
    }

    pub(crate) fn add_container(&self, name: &str) -> Result<Stamp, StorageError> {
        let mut state = self.state();
        if state.containers.contains_key(name) {
            return Err(StorageError::ContainerAlreadyExists);
        }
        let stamp = state.etags.stamp();
        let remainder = state.keep(|disk| disk.create_container(name, &stamp))?;
        let container = Container {
            stamp: stamp.clone(),
            blobs: BTreeMap::new(),
        };
        state.containers.insert(name.to_owned(), container);
        finish(remainder)?;
        Ok(stamp)
    }

    pub(crate) fn container(&self, name: &str) -> Result<Stamp, StorageError> {
        Ok(self.state().container(name)?.stamp.clone())
    }

    /// Deletes a container and what is in it.
    ///
    /// # Errors
    /// [`StorageError::ContainerNotFound`].
    pub fn delete_container(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        state.container(name)?;
        let remainder = state.keep(|disk| disk.delete_container(name))?;
        state.containers.remove(name);
        finish(remainder)
    }

    pub(crate) fn containers(&self, range: &NameRange) -> Page<Stamp> {
        range.page(&self.state().containers, |container| {
            container.stamp.clone()
        })
    }

    /// The blobs that were written last, newest first, of those whose container and name `is_meant`;
    /// and how many such blobs there are.
    pub fn newest(
        &self,
        skipped: usize,
        limit: usize,
        is_meant: impl Fn(&str, &str) -> bool,
    ) -> (Vec<StoredBlob>, usize) {
        let state = self.state();
        let mut all = Vec::new();
        for (container, content) in &state.containers {
            let meant = content
                .blobs
                .iter()
                .filter(|(name, _)| is_meant(container, name));
            all.extend(meant.map(|(name, blob)| (container, name, blob)));
        }
        let count = all.len();
        all.sort_unstable_by_key(|(_, _, blob)| Reverse(blob.last_modified));
        let page = all.into_iter().skip(skipped).take(limit);
        let page = page.map(|(container, name, blob)| StoredBlob {
            container: container.clone(),
            name: name.clone(),
            blob: blob.clone(),
            versions: state.history.count(container, name).max(1),
        });
        (page.collect(), count)
    }

    /// The states the blob has had since the start, deleted ones included; the first is the one in
    /// which the start found it, if it did.
    pub fn versions(&self, container: &str, name: &str) -> Versions {
        let mut state = self.state();
        let versions = state.history.versions(container, name);
        let container = state.container(container).ok();
        let present = container.and_then(|container| container.blobs.get(name));
        versions.or_only(present)
    }

    /// Those of them that are kept, oldest first: all, unless megabytes were written since.
    pub fn history(&self, container: &str, name: &str) -> Vec<Blob> {
        self.versions(container, name).kept.into()
    }

    /// Every accepted write since the start, oldest first, without its content.
    pub fn writes(&self) -> Vec<Write> {
        self.writes_after(0)
    }

    /// The same without the first `count`.
    pub fn writes_after(&self, count: usize) -> Vec<Write> {
        self.state().history.writes_after(count)
    }

    /// How many writes were accepted since the start.
    pub fn writes_len(&self) -> usize {
        self.state().history.len()
    }
}
