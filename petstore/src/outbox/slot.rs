//! Which file an instance keeps its outbox in: two that share a folder never share a file.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tracing::info;

use super::{
    Change,
    journal::{Journal, Record},
};

/// More instances on one folder than an App Service plan can have.
const SLOTS: u32 = 64;

/// An instance's own journal; the lock lasts as long as this.
#[derive(Debug)]
pub struct Slot {
    pub(super) journal: Journal,
    _lock: File,
}

/// Takes the first free slot of `folder`, and what a dead instance left in the others.
///
/// # Errors
/// When the folder cannot be used, or every slot is taken.
pub fn claim(folder: &Path) -> io::Result<Slot> {
    fs::create_dir_all(folder)?;
    let mut own: Option<Slot> = None;
    for number in 0..SLOTS {
        let path = folder.join(format!("{number}.jsonl"));
        if own.is_some() && !path.exists() {
            continue;
        }
        let Some(lock) = lock(&path)? else { continue };
        let journal = Journal::open(&path)?;
        match &mut own {
            None => {
                own = Some(Slot {
                    journal,
                    _lock: lock,
                });
            }
            Some(own) => adopt(own, &journal, &path)?,
        }
    }
    own.ok_or_else(|| io::Error::other(format!("all {SLOTS} places are taken")))
}

fn lock(journal: &Path) -> io::Result<Option<File>> {
    let path: PathBuf = journal.with_extension("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Its changes become ours before its file goes, so that a crash in between keeps them twice.
fn adopt(own: &mut Slot, left: &Journal, path: &Path) -> io::Result<()> {
    let newer = |change: &&Change| {
        let ours = own
            .journal
            .waiting()
            .find(|own| own.session == change.session);
        ours.is_none_or(|own| (own.revision, own.accepted) < (change.revision, change.accepted))
    };
    let taken: Vec<Record> = left
        .waiting()
        .filter(newer)
        .cloned()
        .map(Record::Put)
        .collect();
    let count = taken.len();
    if count > 0 {
        own.journal.append(taken)?;
        info!(count, file = %path.display(), "outbox: took over what another instance left");
    }
    fs::remove_file(path)
}
