//! Where this run keeps what it keeps, and whether others may know.

use std::path::{Path, PathBuf};

use stack::Keep;
use stack::running::{Claim, ClaimError, Running};

use super::{FOLDER, LocalError};

/// The folder of a run: `.local` of the app, or one that is removed in the end.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    in_memory: bool,
    /// `None` beside another stack: its `stack.json` stays.
    claim: Option<Claim>,
    temporary: Option<tempfile::TempDir>,
}

impl Kept {
    /// Takes the app's folder. A run in memory may take place beside another one.
    pub(super) fn claim(root: &Path, in_memory: bool) -> Result<Self, LocalError> {
        let folder = root.join(FOLDER);
        let claim = match Claim::of(&folder) {
            Ok(claim) => Some(claim),
            Err(ClaimError::Taken { .. }) if in_memory => None,
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
    pub(super) fn folder(&self) -> &Path {
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
