//! Why a folder cannot be used.

use std::io;
use std::path::{Path, PathBuf};

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
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}
