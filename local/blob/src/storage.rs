//! What the account holds, in memory or in a folder too. Knows blobs and conditions, and nothing of HTTP.
//!
//! A change goes through the conditions on the present state, gets its ETag, is decided by the `disk` when there is a
//! folder, and only then is in the containers and in the `history`. Everything sits behind one lock, which no method
//! holds for longer than its own call.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use blob::{Blob, Upload};
pub use conditions::{Conditions, ETagCondition};
pub use disk::OpenError;
use disk::{Disk, Rest};
pub use error::StorageError;
use etags::ETags;
pub(super) use etags::Stamp;
use history::History;
pub use history::Versions;
pub(super) use page::{Page, Range};
pub use write::Write;

mod blob;
mod blobs;
mod conditions;
mod containers;
mod disk;
mod error;
mod etags;
mod history;
mod page;
mod write;

/// A handle to the account's content. Clones share it, and it outlives an endpoint's stop.
#[derive(Debug, Clone, Default)]
pub struct BlobStorage(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    containers: BTreeMap<String, Container>,
    history: History,
    etags: ETags,
    disk: Option<Disk>,
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

    /// Decides a change on the disk, if there is one; on an error nothing is changed.
    fn keep(
        &mut self,
        decide: impl FnOnce(&mut Disk) -> io::Result<Rest>,
    ) -> Result<Rest, StorageError> {
        let rest = self.disk.as_mut().map_or(Ok(Rest::Nothing), decide);
        rest.map_err(|error| StorageError::NotKept(error.kind()))
    }
}

/// After the change is made: an error is then like a reply that was lost.
fn finish(rest: Rest) -> Result<(), StorageError> {
    rest.finish()
        .map_err(|error| StorageError::NotKept(error.kind()))
}

impl BlobStorage {
    /// What is kept in `folder`, which is made when it is missing; every change is kept there from now on. Each blob is
    /// a plain file below it, and `writes.jsonl` has what else there is to know.
    ///
    /// # Errors
    /// When the folder cannot be read or written, is in use, or holds what is none of ours.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (disk, kept) = Disk::open(folder)?;
        let state = State {
            containers: kept.containers,
            etags: kept.etags,
            disk: Some(disk),
            ..State::default()
        };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The states the blob has had since the start, deleted ones included.
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
