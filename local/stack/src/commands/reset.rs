//! `cargo local reset`: forget what was kept.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use stack::running::Claim;

use super::{FOLDER, LocalError, text};

/// Each part's own; the queue's journal is a file.
const KEPT: [&str; 5] = [
    "queue.jsonl",
    "blobs",
    "azurite",
    "outbox",
    "handed-over.jsonl",
];

/// With it go the carts that are still to be published, and the key that signs the shoppers' cookies.
const PETSTORE: &str = "petstore";

/// Deletes what the stack in `root` has kept; refuses while it runs.
pub(super) fn run(root: &Path, all: bool) -> Result<ExitCode, LocalError> {
    let folder = root.join(FOLDER);
    let _claim = Claim::of(&folder)?;
    let mut gone = Vec::new();
    for name in KEPT.into_iter().chain(all.then_some(PETSTORE)) {
        if remove(&folder.join(name))? {
            gone.push(name);
        }
    }
    let line = match gone.as_slice() {
        [] => format!("nothing was kept in {}", folder.display()),
        gone => format!("{}: forgot {}", folder.display(), gone.join(", ")),
    };
    // A closed output changes nothing of what was done.
    text::print(&line).ok();
    Ok(ExitCode::SUCCESS)
}

/// Whether there was one.
fn remove(path: &Path) -> Result<bool, LocalError> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LocalError::Files {
            what: format!("cannot delete {}", path.display()),
            source: error,
        }),
    }
}
