//! The account's content in a folder: each blob a plain file, and a log that says what is true.
//!
//! A write is three steps: the content goes to a file in `.new`, a line to the log, and the file to its place. The line
//! is the decision. A process that is killed between two steps leaves a state that `recovery` finishes (the line is
//! there) or undoes (it is not). A killed process loses nothing; nothing is forced to the disk for a power cut, and a
//! file that one has torn is found by its digest.

mod log;
mod names;
mod recovery;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::write::Digest;
use super::{Blob, Stamp};
use crate::lock::Lock;
use log::{Log, Record, Written};
use names::Files;
pub(super) use recovery::Kept;

const LOG: &str = "writes.jsonl";

/// Content on its way to its place. No container has such a name.
const NEW: &str = ".new";

/// Held as long as the storage lives.
const LOCK: &str = ".lock";

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not to be read or written.
    #[error("cannot keep blobs in {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two storages in one folder would undo each other's writes.
    #[error("the blobs in {} are in use by another process", .0.display())]
    InUse(PathBuf),
    /// A line of the log that this program did not write.
    #[error("{}: line {line} is damaged ({problem}); mend it, or forget all blobs with `cargo local reset`", path.display())]
    Line {
        /// The log.
        path: PathBuf,
        /// From 1 on.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

impl OpenError {
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}

/// The folder, in use.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    log: Log,
    files: HashMap<String, Files>,
    _lock: Lock,
}

/// What remains to be done on the disk for a change that is decided. Left undone it is done at the next start.
#[derive(Debug)]
#[must_use]
pub(super) enum Rest {
    Nothing,
    Place { from: PathBuf, to: PathBuf },
    Remove(PathBuf),
    RemoveFolder(PathBuf),
}

impl Disk {
    /// Opens the folder, which is made when it is missing, and reads what is kept there.
    pub(super) fn open(folder: &Path) -> Result<(Self, Kept), OpenError> {
        let failed = |error| OpenError::io(folder, error);
        fs::create_dir_all(folder.join(NEW)).map_err(failed)?;
        let lock = Lock::take(&folder.join(LOCK)).map_err(failed)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(folder.to_owned()))?;
        let (kept, files, records) = recovery::recover(folder)?;
        let log = Log::replace(&folder.join(LOG), &folder.join(NEW).join(LOG), &records);
        let disk = Self {
            folder: folder.to_owned(),
            log: log.map_err(failed)?,
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
        let to = self.folder.join(names::folder(container)).join(&file);
        let from = new(&self.folder, &blob.etag);
        fs::create_dir_all(self.folder.join(names::folder(container)))?;
        fs::create_dir_all(self.folder.join(NEW))?;
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
        let (container, name) = (container.to_owned(), name.to_owned());
        self.log.append(&Record::Delete {
            container: container.clone(),
            name: name.clone(),
            at: OffsetDateTime::now_utc(),
        })?;
        let folder = self.folder.join(names::folder(&container));
        let files = self.files.entry(container).or_default();
        let file = folder.join(files.file(&name));
        files.free(&name);
        Ok(Rest::Remove(file))
    }

    /// Decides that there is such a container.
    pub(super) fn create_container(&mut self, container: &str, stamp: &Stamp) -> io::Result<Rest> {
        fs::create_dir_all(self.folder.join(names::folder(container)))?;
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
        Ok(Rest::RemoveFolder(
            self.folder.join(names::folder(container)),
        ))
    }
}

impl Rest {
    /// Does it.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Place { from, to } => fs::rename(from, to),
            Self::Remove(file) => gone(fs::remove_file(file)),
            Self::RemoveFolder(folder) => gone(fs::remove_dir_all(folder)),
        }
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// Where the content that got this ETag waits.
fn new(folder: &Path, etag: &str) -> PathBuf {
    folder.join(NEW).join(etag.trim_matches('"'))
}
