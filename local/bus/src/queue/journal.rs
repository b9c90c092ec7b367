//! The queue on disk: a readable file with one JSON line for each thing that happened.
//!
//! A line is in the file before the sender gets its 201, in one `write` and without fsync: that outlives a `kill -9`
//! of the stack, not a power cut. A kill in mid-write leaves a torn last line, which nobody was promised: it is cut off.
//! At the start the file is written anew with what still counts, and so it is now and then while the queue runs.

mod entry;
mod error;
mod file;
mod replay;

use std::borrow::Cow;
use std::io;
use std::path::Path;

pub(super) use entry::Entry;
pub use error::JournalError;
use file::{JournalFile, beside};
use replay::replay;

use super::QueueOptions;
use super::state::State;
use stand_in::{Clock, Lock};

/// Of this file's lines; another number is another format.
const FORMAT: u32 = 1;

/// Fewer settled messages than this are not worth a compaction.
const LINES_KEPT: usize = 100_000;

/// The open journal of one queue.
#[derive(Debug)]
pub(super) struct Journal {
    queue: String,
    file: JournalFile,
    lines: usize,
    compact_at: usize,
    // Lines that could not be written; they go first with the next.
    owed: Vec<u8>,
    owed_lines: usize,
    _lock: Lock,
}

impl Journal {
    /// Opens or creates the journal, and makes the state again that it tells of.
    ///
    /// The clock comes back set forward, when the machine's was set back since the last entry.
    pub(super) fn open(
        path: &Path,
        queue: &str,
        options: QueueOptions,
        clock: Clock,
    ) -> Result<(Self, State, Clock), JournalError> {
        let io_error = |action| move |source| io_error(path, action, source);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io_error("create its folder"))?;
        }
        let lock = lock(path)?;
        let mut state = replay(path, queue, options)?;
        let clock = state.latest().map_or(clock, |time| clock.not_before(time));
        state.locks_are_lost(clock.now());
        // Nobody listens yet, and what changed is in the file that is written now.
        drop(state.take_transitions());
        let (bytes, lines) =
            whole(queue, &state.entries(clock.now())).map_err(io_error("write it anew"))?;
        let file = JournalFile::replace(path, &bytes).map_err(io_error("write it anew"))?;
        let journal = Self {
            queue: queue.to_owned(),
            file,
            lines,
            compact_at: lines + LINES_KEPT,
            owed: Vec::new(),
            owed_lines: 0,
            _lock: lock,
        };
        Ok((journal, state, clock))
    }

    /// Writes all entries or none. After an error the file is as it was, and what it says is known to the caller alone.
    pub(super) fn append<'a>(
        &mut self,
        entries: impl IntoIterator<Item = Entry<'a>>,
    ) -> io::Result<()> {
        let mut bytes = self.owed.clone();
        let lines = encode(&mut bytes, entries)?;
        self.file.append(&bytes)?;
        self.lines += lines + self.owed_lines;
        self.owed.clear();
        self.owed_lines = 0;
        Ok(())
    }

    /// Writes entries of what has happened already; those that cannot be written now go with the next.
    pub(super) fn note<'a>(
        &mut self,
        entries: impl IntoIterator<Item = Entry<'a>>,
    ) -> io::Result<()> {
        self.owed_lines += encode(&mut self.owed, entries)?;
        self.append([])
    }

    /// Whether most of the file is about messages that are settled.
    pub(super) fn is_worth_compacting(&self, live: usize) -> bool {
        self.lines > self.compact_at.max(live.saturating_mul(8))
    }

    /// Writes the file anew with these entries only. When that fails the file stays as it is.
    pub(super) fn compact(&mut self, entries: &[Entry<'_>]) -> io::Result<()> {
        // Not again at once, whether it works or not.
        self.compact_at = self.lines + LINES_KEPT;
        let (bytes, lines) = whole(&self.queue, entries)?;
        self.file = JournalFile::replace(self.file.path(), &bytes)?;
        self.lines = lines;
        self.compact_at = lines + LINES_KEPT;
        self.owed.clear();
        self.owed_lines = 0;
        Ok(())
    }

    /// The error in words that name the file.
    pub(super) fn cannot(&self, error: &io::Error) -> String {
        format!("{}: cannot write: {error}", self.file.path().display())
    }
}

/// One JSON line each; how many.
fn encode<'a>(
    bytes: &mut Vec<u8>,
    entries: impl IntoIterator<Item = Entry<'a>>,
) -> io::Result<usize> {
    let mut lines = 0;
    for entry in entries {
        // Not into `bytes` itself: half a line must not stay there.
        bytes.append(&mut serde_json::to_vec(&entry)?);
        bytes.push(b'\n');
        lines += 1;
    }
    Ok(lines)
}

/// The whole file: what it is, and these entries; and how many lines that makes.
fn whole(queue: &str, entries: &[Entry<'_>]) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let first = Entry::Journal {
        format: FORMAT,
        queue: Cow::Borrowed(queue),
    };
    let all = std::iter::once(first).chain(entries.iter().cloned());
    let lines = encode(&mut bytes, all)?;
    Ok((bytes, lines))
}

/// Not on the journal itself: a compaction puts another file in its place.
fn lock(path: &Path) -> Result<Lock, JournalError> {
    let beside = beside(path, "lock");
    match Lock::take(&beside) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(JournalError::InUse {
            path: path.display().to_string(),
        }),
        Err(source) => Err(io_error(&beside, "lock", source)),
    }
}

fn io_error(path: &Path, action: &'static str, source: io::Error) -> JournalError {
    let path = path.display().to_string();
    JournalError::Io {
        path,
        action,
        source,
    }
}
