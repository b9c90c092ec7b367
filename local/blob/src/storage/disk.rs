//! The account's content in a folder: each blob a plain file, and a log that says what is true.
//!
//! A write is three steps: the content goes to a file in `.new`, a line to the log, and the file to its place. The line
//! is the decision. A process that is killed between two steps leaves a state that `recovery` finishes (the line is
//! there) or undoes (it is not). A killed process loses nothing; nothing is forced to the disk for a power cut, and a
//! file that one has torn is found by its digest.

mod error;
mod layout;
mod log;
mod names;
mod recovery;
mod rest;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use time::OffsetDateTime;

use super::Blob;
use super::etags::Stamp;
use super::write::Digest;
pub use error::OpenError;
use layout::Layout;
use log::{Log, Record, Written};
use names::Files;
pub(super) use recovery::Kept;
use recovery::{Recovered, recover};
pub(super) use rest::Rest;
use stand_in::Lock;

/// The folder, in use.
#[derive(Debug)]
pub(super) struct Disk {
    layout: Layout,
    log: Log,
    files: HashMap<String, Files>,
    _lock: Lock,
}

impl Disk {
    /// Opens the folder, which is made when it is missing, and reads what is kept there.
    pub(super) fn open(folder: &Path) -> Result<(Self, Kept), OpenError> {
        let failed = |error| OpenError::io(folder, error);
        let layout = Layout::of(folder);
        fs::create_dir_all(layout.on_its_way()).map_err(failed)?;
        let lock = Lock::take(&layout.lock()).map_err(failed)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(folder.to_owned()))?;
        let Recovered {
            kept,
            files,
            records,
        } = recover(&layout)?;
        let log =
            Log::replace(&layout.log(), &layout.log_on_its_way(), &records).map_err(failed)?;
        let disk = Self {
            layout,
            log,
            files,
            _lock: lock,
        };
        Ok((disk, kept))
    }

    /// Decides that `blob` is the state of `name`. On an error it is not.
    pub(super) fn write(
        &mut self,
        container: &str,
        name: &str,
        blob: &Blob,
        digest: &Digest,
    ) -> io::Result<Rest> {
        let files = self.files.entry(container.to_owned()).or_default();
        let file = files.file(name);
        let to = self.layout.content(container, &file);
        let from = self.layout.content_on_its_way(&blob.etag);
        fs::create_dir_all(self.layout.container(container))?;
        fs::create_dir_all(self.layout.on_its_way())?;
        fs::write(&from, &blob.bytes)?;
        self.log.append(&Record::Write(Written {
            container: container.to_owned(),
            name: name.to_owned(),
            file: file.clone(),
            etag: blob.etag.clone(),
            at: blob.last_modified,
            content_type: blob.content_type.clone(),
            metadata: blob.metadata.clone(),
            length: blob.bytes.len(),
            sha256: format!("{digest:x}"),
        }))?;
        files.take(name, &file);
        Ok(Rest::Place { from, to })
    }

    /// Decides that the blob is gone.
    pub(super) fn delete(&mut self, container: &str, name: &str) -> io::Result<Rest> {
        self.log.append(&Record::Delete {
            container: container.to_owned(),
            name: name.to_owned(),
            at: OffsetDateTime::now_utc(),
        })?;
        let files = self.files.entry(container.to_owned()).or_default();
        let file = self.layout.content(container, &files.file(name));
        files.free(name);
        Ok(Rest::Remove(file))
    }

    /// Decides that there is such a container.
    pub(super) fn create_container(&mut self, container: &str, stamp: &Stamp) -> io::Result<Rest> {
        fs::create_dir_all(self.layout.container(container))?;
        self.log.append(&Record::CreateContainer {
            container: container.to_owned(),
            etag: stamp.etag.clone(),
            at: stamp.last_modified,
        })?;
        Ok(Rest::Nothing)
    }

    /// Decides that it is gone.
    pub(super) fn delete_container(&mut self, container: &str) -> io::Result<Rest> {
        self.log.append(&Record::DeleteContainer {
            container: container.to_owned(),
            at: OffsetDateTime::now_utc(),
        })?;
        self.files.remove(container);
        Ok(Rest::RemoveFolder(self.layout.container(container)))
    }
}
