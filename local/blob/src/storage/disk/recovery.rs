//! From what a process left in the folder, however it ended, to a state the service could have been in.
//!
//! The log says what is true ([`truth`]). What lies there against it is removed, what is still on its way is put into
//! its place, and what people did to the files by hand counts as what somebody did to the blobs.

mod truth;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::etags::ETags;
use super::super::write::sha256;
use super::super::{Blob, Container};
use super::OpenError;
use super::layout::Layout;
use super::log::{Record, Written};
use super::names::Files;
use super::rest::Rest;
use truth::{Described, Truth};

/// What was kept.
#[derive(Debug, Default)]
pub(in crate::storage) struct Kept {
    pub(in crate::storage) containers: BTreeMap<String, Container>,
    pub(in crate::storage) etags: ETags,
}

/// What was kept, where it is, and the log that says so in as few lines as there can be.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) kept: Kept,
    pub(super) files: HashMap<String, Files>,
    pub(super) records: Vec<Record>,
}

/// Finishes or undoes what was begun.
pub(super) fn recover(layout: &Layout) -> Result<Recovered, OpenError> {
    let failed = |error| OpenError::io(layout.folder(), error);
    let mut truth = Truth::read(layout)?;
    remove(std::mem::take(&mut truth.deleted)).map_err(failed)?;
    let recovered = Recovered::of(truth, layout).map_err(failed)?;
    // Content without a line, or replaced since.
    empty(&layout.on_its_way()).map_err(failed)?;
    Ok(recovered)
}

fn remove(deleted: Vec<PathBuf>) -> io::Result<()> {
    let mut removals = deleted.into_iter().map(Rest::removal);
    removals.try_for_each(Rest::finish)
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

impl Recovered {
    /// Compares with the files.
    fn of(truth: Truth<'_>, layout: &Layout) -> io::Result<Self> {
        let mut found = Self {
            files: truth.files,
            ..Self::default()
        };
        found.kept.etags = truth.etags;
        for (name, container) in truth.containers {
            found.container(name, container, layout)?;
        }
        let start = Record::Start {
            etag: found.kept.etags.last(),
        };
        found.records.insert(0, start);
        Ok(found)
    }

    fn container(&mut self, name: String, said: Described, layout: &Layout) -> io::Result<()> {
        fs::create_dir_all(layout.container(&name))?;
        self.records.push(Record::CreateContainer {
            container: name.clone(),
            etag: said.stamp.etag.clone(),
            at: said.stamp.last_modified,
        });
        let mut container = Container {
            stamp: said.stamp,
            blobs: BTreeMap::new(),
        };
        for (blob, mut written) in said.blobs {
            let Some(bytes) = content(&written, layout)? else {
                self.files.entry(name.clone()).or_default().free(&blob);
                continue;
            };
            if bytes.len() != written.length || sha256(&bytes) != written.sha256 {
                changed_by_hand(&mut written, &bytes, self.kept.etags.next());
            }
            container.blobs.insert(blob, as_blob(&written, bytes));
            self.records.push(Record::Write(written));
        }
        self.kept.containers.insert(name, container);
        Ok(())
    }
}

/// The content of a blob, which is put into its place if it was still on its way.
fn content(written: &Written, layout: &Layout) -> io::Result<Option<Vec<u8>>> {
    let new = layout.content_on_its_way(&written.etag);
    let file = layout.content(&written.container, &written.file);
    if new.exists() {
        fs::rename(new, &file)?;
    }
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// As if somebody had uploaded the file: the metadata spoke of other content.
fn changed_by_hand(written: &mut Written, bytes: &[u8], etag: String) {
    written.etag = etag;
    written.at = time::OffsetDateTime::now_utc();
    written.metadata.clear();
    written.length = bytes.len();
    written.sha256 = sha256(bytes);
}

fn as_blob(written: &Written, bytes: Vec<u8>) -> Blob {
    Blob {
        bytes: bytes.into(),
        metadata: written.metadata.clone(),
        content_type: written.content_type.clone(),
        etag: written.etag.clone(),
        last_modified: written.at,
    }
}
