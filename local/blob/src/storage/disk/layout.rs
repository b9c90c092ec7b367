//! Where things lie in the folder.

use std::path::{Path, PathBuf};

use super::names;

const LOG: &str = "writes.jsonl";

/// Content on its way to its place. No container has such a name.
const NEW: &str = ".new";

/// Held as long as the storage lives.
const LOCK: &str = ".lock";

/// The folder with everything.
#[derive(Debug, Clone)]
pub(super) struct Layout(PathBuf);

impl Layout {
    pub(super) fn of(folder: &Path) -> Self {
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

    /// The log that is to take the place of the other.
    pub(super) fn log_on_its_way(&self) -> PathBuf {
        self.on_its_way().join(LOG)
    }

    /// The content that got this ETag.
    pub(super) fn content_on_its_way(&self, etag: &str) -> PathBuf {
        self.on_its_way().join(etag.trim_matches('"'))
    }

    /// The folder of a container.
    pub(super) fn container(&self, name: &str) -> PathBuf {
        self.0.join(names::folder(name))
    }

    /// The file of a blob, by its name in that folder.
    pub(super) fn content(&self, container: &str, file: &str) -> PathBuf {
        self.container(container).join(file)
    }
}
