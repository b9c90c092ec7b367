//! From what a process left in the folder, however it ended, to a state the service could have been
//! in.
//!
//! The log says what is true ([`Truth`]). What lies there against it is removed, what is still on
//! its way is put into its place, and what people did to the files by hand counts as what somebody
//! did to the blobs.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

use time::OffsetDateTime;

use super::blob::{Blob, Container, ETags, Stamp, sha256};
use super::disk::{Disk, Layout, OpenError, Record, Remainder, Written, place, read_log};
use super::draft::LeftDraft;
use super::names;
use super::names::Files;

/// What was kept.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) etags: ETags,
}

/// The same, where it is, and the log that says so in as few lines as there can be.
#[derive(Debug, Default)]
struct Found {
    recovered: Recovered,
    files: HashMap<String, Files>,
    records: Vec<Record>,
}

/// Opens the folder, which is made when it is missing; finishes or undoes what was begun there.
pub(super) fn open(folder: &Path) -> Result<(Disk, Recovered), OpenError> {
    let layout = Layout::in_folder(folder);
    let lock = Disk::claim(&layout)?;
    let failed = |error| OpenError::io(folder, error);
    let mut truth = Truth::read(&layout)?;
    remove(std::mem::take(&mut truth.deleted)).map_err(failed)?;
    let found = Found::compare(truth, &layout).map_err(failed)?;
    // Content without a line, or replaced since.
    empty(&layout.on_its_way()).map_err(failed)?;
    let disk = Disk::go_on(layout, lock, found.files, &found.records)?;
    Ok((disk, found.recovered))
}

/// What the log says, before a look at the files: all containers, and all blobs but for their
/// contents.
#[derive(Debug)]
struct Truth<'a> {
    layout: &'a Layout,
    containers: BTreeMap<String, LoggedContainer>,
    /// Files and folders that must not be there.
    deleted: Vec<PathBuf>,
    files: HashMap<String, Files>,
    etags: ETags,
}

/// A container as the log has it.
#[derive(Debug)]
struct LoggedContainer {
    stamp: Stamp,
    blobs: BTreeMap<String, Written>,
}

/// What is wrong with a line.
type Problem = &'static str;

const NO_CONTAINER: Problem = "the container is not there";

impl<'a> Truth<'a> {
    /// Reads the log from its first line to its last.
    fn read(layout: &'a Layout) -> Result<Self, OpenError> {
        let path = layout.log();
        let mut truth = Self {
            layout,
            containers: BTreeMap::new(),
            deleted: Vec::new(),
            files: HashMap::new(),
            etags: ETags::default(),
        };
        for (at, record) in read_log(&path)?.into_iter().enumerate() {
            truth.learn(record).map_err(|problem| OpenError::Line {
                path: path.clone(),
                line: at + 1,
                problem: problem.to_owned(),
            })?;
        }
        Ok(truth)
    }

    fn learn(&mut self, record: Record) -> Result<(), Problem> {
        match record {
            Record::Start { etag } => self.saw(&etag),
            Record::CreateContainer {
                container,
                etag,
                at,
            } => {
                self.saw(&etag)?;
                self.is_back(&self.layout.container(&container));
                let stamp = Stamp {
                    etag,
                    last_modified: at,
                };
                let blobs = BTreeMap::new();
                self.containers
                    .insert(container, LoggedContainer { stamp, blobs });
                Ok(())
            }
            Record::DeleteContainer { container, .. } => {
                self.deleted.push(self.layout.container(&container));
                self.files.remove(&container);
                let known = self.containers.remove(&container);
                known.map(drop).ok_or(NO_CONTAINER)
            }
            Record::Write(written) => self.wrote(written),
            Record::Delete {
                container, name, ..
            } => self.deleted(container, &name),
        }
    }

    fn wrote(&mut self, written: Written) -> Result<(), Problem> {
        self.saw(&written.etag)?;
        if !names::is_safe(&written.file) {
            return Err("`file` is none of ours");
        }
        self.is_back(&self.layout.content(&written.container, &written.file));
        let container = self.containers.get_mut(&written.container);
        let blobs = &mut container.ok_or(NO_CONTAINER)?.blobs;
        let files = self.files.entry(written.container.clone()).or_default();
        files.take(&written.name, &written.file);
        blobs.insert(written.name.clone(), written);
        Ok(())
    }

    fn deleted(&mut self, container: String, name: &str) -> Result<(), Problem> {
        let blobs = &mut self
            .containers
            .get_mut(&container)
            .ok_or(NO_CONTAINER)?
            .blobs;
        let written = blobs.remove(name).ok_or("the blob is not there")?;
        self.deleted
            .push(self.layout.content(&container, &written.file));
        self.files.entry(container).or_default().free(name);
        Ok(())
    }

    /// A path that was to be removed belongs to somebody new, on systems that know no case too.
    fn is_back(&mut self, path: &Path) {
        let folded = |path: &Path| path.to_string_lossy().to_lowercase();
        self.deleted
            .retain(|deleted| folded(deleted) != folded(path));
    }

    fn saw(&mut self, etag: &str) -> Result<(), Problem> {
        match self.etags.saw(etag) {
            true => Ok(()),
            false => Err("`etag` is none of ours"),
        }
    }
}

fn remove(deleted: Vec<PathBuf>) -> io::Result<()> {
    let mut removals = deleted.into_iter().map(Remainder::removal);
    removals.try_for_each(Remainder::finish)
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

impl Found {
    /// Compares with the files.
    fn compare(truth: Truth<'_>, layout: &Layout) -> io::Result<Self> {
        let draft = LeftDraft::read(&layout.draft())?;
        let mut found = Self {
            files: truth.files,
            ..Self::default()
        };
        found.recovered.etags = truth.etags;
        for (name, container) in truth.containers {
            found.container(name, container, layout, &draft)?;
        }
        let start = Record::Start {
            etag: found.recovered.etags.last(),
        };
        found.records.insert(0, start);
        Ok(found)
    }

    fn container(
        &mut self,
        name: String,
        said: LoggedContainer,
        layout: &Layout,
        draft: &LeftDraft,
    ) -> io::Result<()> {
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
            let Some(bytes) = content(&written, layout, draft)? else {
                self.files.entry(name.clone()).or_default().free(&blob);
                continue;
            };
            if bytes.len() != written.length || sha256(&bytes) != written.sha256 {
                changed_by_hand(&mut written, &bytes, self.recovered.etags.next());
            }
            container.blobs.insert(blob, as_blob(&written, bytes));
            self.records.push(Record::Write(written));
        }
        self.recovered.containers.insert(name, container);
        Ok(())
    }
}

/// The content of a blob, which is put into its place if it was still on its way.
fn content(written: &Written, layout: &Layout, draft: &LeftDraft) -> io::Result<Option<Vec<u8>>> {
    let file = layout.content(&written.container, &written.file);
    let waiting = LeftDraft::read(&layout.waiting_draft(&written.etag))?;
    let Written {
        etag,
        length,
        sha256,
        ..
    } = written;
    let mut left = [draft, &waiting].into_iter();
    if let Some(content) = left.find_map(|left| left.of(etag, *length, sha256)) {
        place(&file, content)?;
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
    written.at = OffsetDateTime::now_utc();
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
