//! The account's content in a folder: each blob a plain file, and a log that says what is true.
//!
//! A write is three steps: the content goes to the draft (`draft.rs`), a line to the log
//! (`writes.jsonl`), and the content to its file. The line is the decision. A process that is killed
//! between two steps leaves a state that `recovery` finishes (the line is there) or undoes (it is
//! not). A killed process loses nothing; nothing is forced to the disk for a power cut, and a file
//! that one has torn is found by its digest.
//!
//! The file is written over where it is. A file of its own for each content, moved into its place,
//! costs three changes of folders, most of what a write takes; and a rename over a file that is
//! there is for ext4 the wish to survive a power cut, for which it waits 1.5 ms. Killed in the midst
//! of the file, the whole content is in the draft still, which says that it is not done. And folders
//! are made when one is found missing: to ask each time costs as much as the write itself.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stand_in::Lock;
use stand_in::lines::{LineFile, line};
use time::OffsetDateTime;

use super::blob::{Blob, Digest, Stamp};
use super::draft::Draft;
use super::names;
use super::names::Files;

/// The folder, in use.
#[derive(Debug)]
pub(super) struct Disk {
    layout: Layout,
    log: LineFile,
    files: HashMap<String, Files>,
    _lock: Lock,
}

impl Disk {
    /// Makes the folder when it is missing, and locks it: two processes would undo each other's
    /// writes.
    pub(super) fn claim(layout: &Layout) -> Result<Lock, OpenError> {
        let failed = |error| OpenError::io(layout.folder(), error);
        fs::create_dir_all(layout.on_its_way()).map_err(failed)?;
        let lock = Lock::take(&layout.lock()).map_err(failed)?;
        lock.ok_or_else(|| OpenError::InUse(layout.folder().to_owned()))
    }

    /// Goes on from what was found in the folder; these records take the place of all lines.
    pub(super) fn go_on(
        layout: Layout,
        lock: Lock,
        files: HashMap<String, Files>,
        records: &[Record],
    ) -> Result<Self, OpenError> {
        let replaced = || {
            let mut lines = Vec::new();
            for record in records {
                lines.extend(line(record)?);
            }
            LineFile::replace(&layout.log(), &lines)
        };
        let log = replaced().map_err(|error| OpenError::io(layout.folder(), error))?;
        Ok(Self {
            layout,
            log,
            files,
            _lock: lock,
        })
    }

    /// Decides that `blob` is the state of `name`. On an error it is not.
    pub(super) fn write(
        &mut self,
        container: &str,
        name: &str,
        blob: &Blob,
        digest: &Digest,
    ) -> io::Result<Remainder> {
        let files = self.files.entry(container.to_owned()).or_default();
        let file = files.file(name);
        let to = self.layout.content(container, &file);
        let draft = in_folder(&self.layout.draft(), |path| {
            Draft::write(path, &blob.etag, &blob.bytes)
        })?;
        let written = Record::Write(Written {
            container: container.to_owned(),
            name: name.to_owned(),
            file: file.clone(),
            etag: blob.etag.clone(),
            at: blob.last_modified,
            content_type: blob.content_type.clone(),
            metadata: blob.metadata.clone(),
            length: blob.bytes.len(),
            sha256: format!("{digest:x}"),
        });
        append(&mut self.log, &written)?;
        files.take(name, &file);
        Ok(Remainder::Place {
            draft,
            bytes: blob.bytes.clone(),
            to,
            waits_at: self.layout.waiting_draft(&blob.etag),
        })
    }

    /// Decides that the blob is gone.
    pub(super) fn delete(&mut self, container: &str, name: &str) -> io::Result<Remainder> {
        append(
            &mut self.log,
            &Record::Delete {
                container: container.to_owned(),
                name: name.to_owned(),
                at: OffsetDateTime::now_utc(),
            },
        )?;
        let files = self.files.entry(container.to_owned()).or_default();
        let file = self.layout.content(container, &files.file(name));
        files.free(name);
        Ok(Remainder::Remove(file))
    }

    /// Decides that there is such a container.
    pub(super) fn create_container(
        &mut self,
        container: &str,
        stamp: &Stamp,
    ) -> io::Result<Remainder> {
        fs::create_dir_all(self.layout.container(container))?;
        append(
            &mut self.log,
            &Record::CreateContainer {
                container: container.to_owned(),
                etag: stamp.etag.clone(),
                at: stamp.last_modified,
            },
        )?;
        Ok(Remainder::Nothing)
    }

    /// Decides that it is gone.
    pub(super) fn delete_container(&mut self, container: &str) -> io::Result<Remainder> {
        append(
            &mut self.log,
            &Record::DeleteContainer {
                container: container.to_owned(),
                at: OffsetDateTime::now_utc(),
            },
        )?;
        self.files.remove(container);
        Ok(Remainder::RemoveFolder(self.layout.container(container)))
    }
}

fn append(log: &mut LineFile, record: &Record) -> io::Result<()> {
    log.append(&line(record)?)
}

/// What remains to be done on the disk for a change that is decided. Left undone it is done at the
/// next start.
#[derive(Debug)]
#[must_use]
pub(super) enum Remainder {
    Nothing,
    Place {
        draft: Draft,
        bytes: Bytes,
        to: PathBuf,
        /// Where the draft waits for the next start when that fails.
        waits_at: PathBuf,
    },
    Remove(PathBuf),
    RemoveFolder(PathBuf),
}

impl Remainder {
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Place {
                draft,
                bytes,
                to,
                waits_at,
            } => match place(&to, &bytes) {
                Ok(()) => draft.mark_done(),
                Err(error) => draft.waits_at(&waits_at).and(Err(error)),
            },
            Self::Remove(file) => gone(fs::remove_file(file)),
            Self::RemoveFolder(folder) => gone(fs::remove_dir_all(folder)),
        }
    }

    /// What removes a file or a folder of which nobody knows which it is.
    pub(super) fn removal(of: PathBuf) -> Self {
        match of.is_dir() {
            true => Self::RemoveFolder(of),
            false => Self::Remove(of),
        }
    }
}

/// Writes over the file, or makes one in its place: that one may not be written, or be no file.
pub(super) fn place(file: &Path, bytes: &[u8]) -> io::Result<()> {
    in_folder(file, |file| write_over(file, bytes)).or_else(|_| {
        gone(fs::remove_file(file))?;
        fs::write(file, bytes)
    })
}

/// Its end is cut off after that: ext4 writes a file to the disk at once that was made empty first.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.write_all(bytes)?;
    let length = bytes.len() as u64;
    match file.metadata()?.len() > length {
        true => file.set_len(length),
        false => Ok(()),
    }
}

/// Makes a file, and the folder for it when that is missing: somebody may have tidied up.
fn in_folder<T>(file: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    match (make(file), file.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            make(file)
        }
        (made, _) => made,
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// A line of the log. Without it nothing happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(super) enum Record {
    /// The first line after a start: everything before it is summed up in the lines that follow it.
    Start {
        /// The last one given out, so that none is ever given out again.
        etag: String,
    },
    CreateContainer {
        container: String,
        etag: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// A container was deleted, with all that was in it.
    DeleteContainer {
        container: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    Write(Written),
    Delete {
        container: String,
        name: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

/// A blob's state but for its content, which is in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pub(super) container: String,
    pub(super) name: String,
    /// In the container's folder; the blob's own name where a file can have it.
    pub(super) file: String,
    pub(super) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    pub(super) content_type: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) length: usize,
    pub(super) sha256: String,
}

/// Every whole line of the log. Half a line at the end is none: nobody was told that it was
/// accepted.
pub(super) fn read_log(path: &Path) -> Result<Vec<Record>, OpenError> {
    let bytes = LineFile::read(path).map_err(|error| OpenError::io(path, error))?;
    let lines = bytes.split(|byte| *byte == b'\n');
    let numbered = lines.enumerate().filter(|(_, line)| !line.is_empty());
    numbered
        .map(|(at, line)| {
            serde_json::from_slice(line).map_err(|error| OpenError::Line {
                path: path.to_owned(),
                line: at + 1,
                problem: error.to_string(),
            })
        })
        .collect()
}

const LOG: &str = "writes.jsonl";

/// Content on its way to its place. No container has such a name.
const NEW: &str = ".new";

/// Held as long as the storage lives.
const LOCK: &str = ".lock";

/// The folder with everything.
#[derive(Debug, Clone)]
pub(super) struct Layout(PathBuf);

impl Layout {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join(LOCK)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// The folder of what is on its way.
    pub(super) fn on_its_way(&self) -> PathBuf {
        self.0.join(NEW)
    }

    /// The content that is written now, or was written last.
    pub(super) fn draft(&self) -> PathBuf {
        self.on_its_way().join("draft")
    }

    /// The content that got this ETag, and could not be put into its place.
    pub(super) fn waiting_draft(&self, etag: &str) -> PathBuf {
        self.on_its_way().join(etag.trim_matches('"'))
    }

    pub(super) fn container(&self, name: &str) -> PathBuf {
        self.0.join(names::folder(name))
    }

    /// The file of a blob, by its name in that folder.
    pub(super) fn content(&self, container: &str, file: &str) -> PathBuf {
        self.container(container).join(file)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not to be read or written.
    #[error("cannot keep blobs in {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Two storages in one folder would undo each other's writes.
    #[error("the blobs in {} are in use by another process", .0.display())]
    InUse(PathBuf),
    /// A line of the log that this program did not write.
    #[error("{}: line {line} is damaged ({problem}); mend it, or forget all blobs with `cargo local reset`", path.display())]
    Line {
        path: PathBuf,
        /// From 1 on.
        line: usize,
        problem: String,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}
