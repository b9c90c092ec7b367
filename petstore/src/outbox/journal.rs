//! The outbox on disk: an append-only file of JSON lines, one instance's own.
//!
//! A line is either a change that waits or the word that one no longer does. What a crash leaves
//! half-written at the end is cut off: nobody was told that it was accepted.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tracing::error;

use super::Change;
use crate::session::SessionId;

/// Below this size a rewrite is not worth it.
const COMPACT_ABOVE: u64 = 1 << 20;

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// This change waits, in place of any older one of its session.
    Put(Change),
    /// This one is delivered, or no longer wanted.
    Done {
        /// Whose.
        session: SessionId,
        /// Which.
        message: String,
    },
}

/// The file, and what in it still waits.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    waiting: HashMap<SessionId, Change>,
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
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length,
            waiting: HashMap::new(),
        };
        let lines = bytes
            .get(..whole)
            .unwrap_or_default()
            .split(|b| *b == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(record) => journal.note(record),
                Err(error) => {
                    error!(file = %path.display(), %error, "outbox: a damaged line is left out");
                }
            }
        }
        Ok(journal)
    }

    /// What waits, one change a session.
    pub fn waiting(&self) -> impl Iterator<Item = &Change> {
        self.waiting.values()
    }

    /// Appends; when it returns, every `Put` is on the disk.
    ///
    /// # Errors
    /// Nothing is appended then, or nothing can be any more.
    pub fn append(&mut self, records: Vec<Record>) -> io::Result<()> {
        let mut lines = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        let durable = records
            .iter()
            .any(|record| matches!(record, Record::Put(_)));
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
        records.into_iter().for_each(|record| self.note(record));
        if self.length > COMPACT_ABOVE && self.length / 1024 > self.waiting.len() as u64 * 4 {
            self.compact().unwrap_or_else(|error| {
                error!(%error, "outbox: the file cannot be made smaller");
            });
        }
        Ok(())
    }

    fn note(&mut self, record: Record) {
        match record {
            Record::Put(change) => {
                self.waiting.insert(change.session.clone(), change);
            }
            Record::Done { session, message } => {
                let same = |change: &Change| change.message == message;
                if self.waiting.get(&session).is_some_and(same) {
                    self.waiting.remove(&session);
                }
            }
        }
    }

    /// Writes what waits into a new file, and puts it in the place of this one.
    ///
    /// # Errors
    /// The old file is still there then.
    pub fn compact(&mut self) -> io::Result<()> {
        let mut lines = Vec::new();
        for change in self.waiting.values() {
            serde_json::to_writer(&mut lines, &Record::Put(change.clone()))?;
            lines.push(b'\n');
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        sync_folder(&self.path)?;
        self.file = file;
        self.length = lines.len() as u64;
        Ok(())
    }
}

/// A file is only there after a crash when its folder says so.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
