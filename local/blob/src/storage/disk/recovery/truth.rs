//! What the log says, before a look at the files.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::super::OpenError;
use super::super::layout::Layout;
use super::super::log::{Log, Record, Written};
use super::super::names::{self, Files};
use crate::storage::etags::{ETags, Stamp};

/// What is true: all containers, and all blobs but for their contents.
#[derive(Debug)]
pub(super) struct Truth<'a> {
    layout: &'a Layout,
    pub(super) containers: BTreeMap<String, Described>,
    /// Files and folders that must not be there.
    pub(super) deleted: Vec<PathBuf>,
    pub(super) files: HashMap<String, Files>,
    pub(super) etags: ETags,
}

/// A container.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) stamp: Stamp,
    pub(super) blobs: BTreeMap<String, Written>,
}

/// What is wrong with a line.
type Problem = &'static str;

const NO_CONTAINER: Problem = "the container is not there";

impl<'a> Truth<'a> {
    /// Reads the log from its first line to its last.
    pub(super) fn read(layout: &'a Layout) -> Result<Self, OpenError> {
        let path = layout.log();
        let mut truth = Self {
            layout,
            containers: BTreeMap::new(),
            deleted: Vec::new(),
            files: HashMap::new(),
            etags: ETags::default(),
        };
        for (at, record) in Log::read(&path)?.into_iter().enumerate() {
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
                    .insert(container, Described { stamp, blobs });
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
