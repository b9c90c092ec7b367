//! What follows a line of the log.

use std::fs;
use std::io;
use std::path::PathBuf;

/// What remains to be done on the disk for a change that is decided. Left undone it is done at the next start.
#[derive(Debug)]
#[must_use]
pub(in crate::storage) enum Rest {
    Nothing,
    Place { from: PathBuf, to: PathBuf },
    Remove(PathBuf),
    RemoveFolder(PathBuf),
}

impl Rest {
    /// Does it.
    pub(in crate::storage) fn finish(self) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Place { from, to } => fs::rename(from, to),
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

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}
