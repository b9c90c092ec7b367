//! `cargo local reset`: forget what was kept.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::{FOLDER, LocalError};

/// Deletes what the stack in `root` has kept.
pub(crate) fn run(root: &Path) -> Result<ExitCode, LocalError> {
    let folder = root.join(FOLDER).join("outbox");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LocalError::Files {
            what: format!("cannot delete {}", folder.display()),
            source: error,
        }),
        _ => Ok(ExitCode::SUCCESS),
    }
}
