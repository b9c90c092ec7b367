//! The outbox on disk: an append-only file of JSON lines, one instance's own.
//!
//! A line is either a change that waits or the word that one no longer does. What a crash leaves
//! half-written at the end is cut off: nobody was told that it was accepted.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::change::{Age, Change};
use super::record::{Ledger, Record};
use crate::session::SessionId;

/// Below this size a rewrite is not worth it.
const COMPACT_ABOVE: u64 = 1 << 20;

/// The file, and what it says.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    large: u64,
    ledger: Ledger,
}

impl Journal {
    /// Opens or creates the file, and reads what waits.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let length = whole as u64;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        sync_folder(path)?;
        let mut ledger = Ledger::default();
        ledger.read(bytes.get(..whole).unwrap_or_default(), path);
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            large: COMPACT_ABOVE,
            ledger,
        })
    }

    /// What waits, one change a session.
    pub fn waiting(&self) -> impl Iterator<Item = &Change> {
        self.ledger.all_waiting()
    }

    /// Appends; when it returns, all but the `Done` are on the disk.
    ///
    /// # Errors
    /// Nothing is appended then, or nothing can be any more.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        let durable = records
            .iter()
            .any(|record| !matches!(record, Record::Done { .. }));
        let written = self.file.write_all(&lines).and_then(|()| match durable {
            true => self.file.sync_data(),
            // A message that goes out twice has the same id, so this need not be on the disk yet.
            false => Ok(()),
        });
        if let Err(error) = written {
            // Half a batch must not stand in front of the next one.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += lines.len() as u64;
        for record in records {
            self.ledger.note(record.clone());
        }
        Ok(())
    }

    /// Whether it is time to make it smaller: at least as much again was written since the last
    /// time.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.length > self.large
    }

    /// Writes a new file in the place of this one: what waits, and how far the sessions are of
    /// which `keep` says so.
    ///
    /// # Errors
    /// The old file is still in use then, or the new one when only the folder could not be synced:
    /// always the one that stands in the folder.
    pub fn compact(&mut self, keep: impl Fn(&SessionId, Age) -> bool) -> io::Result<()> {
        self.compact_then(keep, sync_folder)
    }

    fn compact_then(
        &mut self,
        keep: impl Fn(&SessionId, Age) -> bool,
        sync_folder: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        self.ledger.forget(keep);
        let mut lines = Vec::new();
        for record in self.ledger.records() {
            serde_json::to_writer(&mut lines, &record)?;
            lines.push(b'\n');
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        // At once: the old file has no name any more, and what is written to it is gone with this
        // process, however well it is synced.
        self.file = file;
        self.length = lines.len() as u64;
        self.large = COMPACT_ABOVE.max(self.length * 2);
        sync_folder(&self.path)
    }
}

/// A file is only there after a crash when its folder says so.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Visit;

    #[test]
    fn what_is_accepted_after_a_folder_that_cannot_be_synced_is_in_the_file_that_stands_there() {
        let folder = testkit::fixture::Folder::new();
        let path = folder.join("0.jsonl");
        let change = || Record::Put(Change::new(&Visit::fresh(), "{}".to_owned()).unwrap());
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&[change()]).unwrap();
        let compacted = journal.compact_then(|_, _| false, |_| Err(io::Error::other("no")));
        assert!(compacted.is_err());
        journal.append(&[change()]).unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().waiting().count(), 2);
    }
}
