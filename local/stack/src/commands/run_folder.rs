//! Where a run keeps what it keeps, whether others may know, and how it is forgotten.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use stack::Keep;
use stack::running::{Claim, ClaimError, Running};

use super::{FOLDER, LocalError, screen};

/// Each part's own; the queue's journal is a file.
const KEPT: [&str; 8] = [
    "queue.jsonl",
    "blobs",
    "petstore-blobs",
    "petstore",
    "azurite",
    "azurite-host",
    "outbox",
    "handed-over.jsonl",
];

/// The folder of a run: `.local` of the app, or one that is removed in the end.
#[derive(Debug)]
pub(super) struct RunFolder {
    folder: PathBuf,
    in_memory: bool,
    /// `None` beside another stack: its `stack.json` stays.
    claim: Option<Claim>,
    temporary: Option<tempfile::TempDir>,
}

impl RunFolder {
    /// Takes the app's folder. A run in memory may take place beside another one.
    pub(super) fn claim(root: &Path, in_memory: bool) -> Result<Self, LocalError> {
        let folder = root.join(FOLDER);
        let claim = match Claim::take(&folder) {
            Ok(claim) => Some(claim),
            Err(ClaimError::Taken { .. }) if in_memory => None,
            // Nothing is kept, so nothing has to be written; only other commands do not find it.
            Err(error @ ClaimError::Io { .. }) if in_memory => {
                screen::print(&format!(
                    "hint: {error}; other commands of this folder will not find this stack"
                ))?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let temporary = in_memory.then(tempfile::tempdir).transpose()?;
        let folder = temporary
            .as_ref()
            .map_or(folder, |temporary| temporary.path().to_owned());
        Ok(Self {
            folder,
            in_memory,
            claim,
            temporary,
        })
    }

    pub(super) fn keep(&self) -> Keep {
        if self.in_memory {
            Keep::InMemory
        } else {
            Keep::InFolder(self.folder.clone())
        }
    }

    /// For the parts that need files in any case.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// The folder, when it outlives the run.
    pub(super) fn lasting(&self) -> Option<&Path> {
        self.temporary.is_none().then_some(&*self.folder)
    }

    /// Tells the other commands of this folder where the stack is.
    pub(super) fn publish(&self, running: &Running) -> Result<(), LocalError> {
        let published = self
            .claim
            .as_ref()
            .map_or(Ok(()), |claim| claim.publish(running));
        published.map_err(|source| LocalError::Files {
            what: "cannot write stack.json".to_owned(),
            source,
        })
    }
}

/// Deletes what the stack in `root` has kept; refuses while it runs.
pub(super) fn reset(root: &Path) -> Result<ExitCode, LocalError> {
    let folder = root.join(FOLDER);
    let _claim = Claim::take(&folder)?;
    let mut gone = Vec::new();
    for name in KEPT {
        if remove(&folder.join(name))? {
            gone.push(name);
        }
    }
    let line = match gone.as_slice() {
        [] => format!("nothing was kept in {}", folder.display()),
        gone => format!("{}: forgot {}", folder.display(), gone.join(", ")),
    };
    // A closed output changes nothing of what was done.
    screen::print(&line).ok();
    Ok(ExitCode::SUCCESS)
}

/// Whether there was one.
fn remove(path: &Path) -> Result<bool, LocalError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
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
