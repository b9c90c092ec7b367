//! `.local/stack.json`: how the other commands of a folder find the stack that runs there.
//!
//! The file says where it is, a lock beside it whether it still lives: the system takes a lock from
//! a process that is killed, and gives its process id to others.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use stand_in::Lock;

const FILE: &str = "stack.json";
const LOCK: &str = "stack.lock";

/// Where the running stack is; what it does not have is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// The queue at its REST door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blobs: Option<String>,
    /// The query that lets one look at the blobs, where they do not open without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_query: Option<String>,
    /// The container of the orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The queue's connection string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The trigger of the Logic App.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub petstore: Option<String>,
    /// All processes of the storefront, the one above first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub petstores: Vec<String>,
}

/// A folder that belongs to this process until it ends, or drops this.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    _lock: Lock,
}

/// The folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another stack has it.
    #[error("a stack runs in {} already{}: end it first", folder.display(), process(*pid))]
    Taken {
        folder: PathBuf,
        /// The other's process, when it has told.
        pid: Option<u32>,
    },
    /// Not to be written.
    #[error("cannot write in {}: {source}", folder.display())]
    Io { folder: PathBuf, source: io::Error },
}

/// No stack can be found.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// None runs.
    #[error("no stack runs in {}; start one with `cargo local`", .0.display())]
    NotRunning(PathBuf),
    /// One runs, and is about to start or to end.
    #[error("the stack in {} is just starting or ending; try again", .0.display())]
    NotReady(PathBuf),
    /// The file is none of ours.
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

impl Claim {
    /// Takes `folder`, which is made when it is missing. What a killed stack has left there is
    /// cleared.
    ///
    /// # Errors
    /// [`ClaimError::Taken`] while another process has it.
    pub fn take(folder: &Path) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError::Io {
            folder: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = Lock::take(&folder.join(LOCK)).map_err(failed)?;
        let lock = lock.ok_or_else(|| ClaimError::Taken {
            folder: folder.to_owned(),
            pid: read(folder).ok().map(|running| running.pid),
        })?;
        let claim = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        claim.withdraw().map_err(failed)?;
        Ok(claim)
    }

    /// Tells the others, in one step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, running: &Running) -> io::Result<()> {
        let beside = self.folder.join(format!("{FILE}.new"));
        let mut text = serde_json::to_vec_pretty(running)?;
        text.push(b'\n');
        fs::write(&beside, text)?;
        fs::rename(beside, self.folder.join(FILE))
    }

    fn withdraw(&self) -> io::Result<()> {
        match fs::remove_file(self.folder.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // What cannot be removed is recognised as left over: nobody holds the lock.
        self.withdraw().ok();
    }
}

/// The stack that runs in `folder`.
///
/// # Errors
/// When none does, whatever files are there.
pub fn find(folder: &Path) -> Result<Running, NotFound> {
    match Lock::is_held(&folder.join(LOCK)) {
        Ok(true) => {}
        Ok(false) => return Err(NotFound::NotRunning(folder.to_owned())),
        Err(error) => return Err(NotFound::Unreadable(folder.join(LOCK), error)),
    }
    read(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NotFound::NotReady(folder.to_owned()),
        _ => NotFound::Unreadable(folder.join(FILE), error),
    })
}

fn read(folder: &Path) -> io::Result<Running> {
    Ok(serde_json::from_slice(&fs::read(folder.join(FILE))?)?)
}
