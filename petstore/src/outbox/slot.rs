//! Which file an instance keeps its outbox in: two that share a folder never share a file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use tracing::error;

use super::folder::Folder;
use super::journal::Journal;
use super::lock::lock;
use super::record::Record;

/// More instances on one folder than an App Service plan can have.
const SLOTS: u32 = 64;

/// An instance's own journal; the lock lasts as long as this.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) journal: Journal,
    pub(super) folder: Arc<Folder>,
    _lock: File,
}

/// Takes the first free slot of `folder`.
///
/// # Errors
/// When the folder cannot be used, or every slot is taken.
pub(super) fn claim(folder: &Path) -> io::Result<Slot> {
    fs::create_dir_all(folder)?;
    for number in 0..SLOTS {
        let path = folder.join(format!("{number}.jsonl"));
        if let Some(lock) = lock(&path)? {
            return Ok(Slot {
                journal: Journal::open(&path)?,
                folder: Arc::new(Folder::new(folder, path)),
                _lock: lock,
            });
        }
    }
    Err(io::Error::other(format!("all {SLOTS} places are taken")))
}

impl Slot {
    /// Appends, and makes the journal smaller when it is time.
    ///
    /// # Errors
    /// Nothing is appended then.
    pub(super) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        self.journal.append(records)?;
        if self.journal.is_large() {
            self.compact().unwrap_or_else(|error| {
                error!(%error, "outbox: the file cannot be made smaller");
            });
        }
        Ok(())
    }

    fn compact(&mut self) -> io::Result<()> {
        let journals = self.folder.look()?;
        let own = self.folder.own();
        self.journal.compact(|session, age| {
            let mut older = journals.waiting_beside(own, session, age);
            older.next().is_some()
        })
    }
}
