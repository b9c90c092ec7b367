//! The queue on disk: a readable file with one JSON line for each thing that happened.
//!
//! A line is in the file before the sender gets its 201, in one `write` and without fsync: that
//! outlives a `kill -9` of the stack, not a power cut. A kill in mid-write leaves a torn last line,
//! which nobody was promised: it is cut off. At the start the file is written anew with what still
//! counts, and so it is now and then while the queue runs.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use stand_in::lines::{LineFile, beside, line};
use stand_in::{Clock, Lock};
use time::OffsetDateTime;

use super::state::{QueueOptions, State};
use super::transition::{Heading, Transition};

/// Of this file's lines; another number is another format.
const FORMAT: u32 = 1;

/// Fewer settled messages than this are not worth a compaction.
const SETTLED_LINES_MAX: usize = 100_000;

/// The journal is not usable; it is left as it was found.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{path}: cannot {action}: {source}")]
    Io {
        path: String,
        action: &'static str,
        source: io::Error,
    },
    /// Another process has it open.
    #[error(
        "{path}: another local stack keeps its queue here: stop it first, \
         or start this one with a folder of its own"
    )]
    InUse { path: String },
    /// A line that is not the torn end.
    #[error(
        "{path}: line {line}: {problem}; repair that line, or start anew with `cargo local reset`"
    )]
    Damaged {
        path: String,
        /// From 1.
        line: usize,
        problem: String,
    },
}

/// The open journal of one queue.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    queue: String,
    file: LineFile,
    line_count: usize,
    compact_at: usize,
    /// What could not be written; it goes first with the next.
    owed: Lines,
    _lock: Lock,
}

/// Encoded lines on their way to the file.
#[derive(Debug, Clone, Default)]
struct Lines {
    bytes: Vec<u8>,
    count: usize,
}

impl Lines {
    fn push(&mut self, value: &impl Serialize) -> io::Result<()> {
        // Encoded elsewhere first: half a line must not stay in `bytes` when that fails.
        self.bytes.append(&mut line(value)?);
        self.count += 1;
        Ok(())
    }

    fn push_transitions(&mut self, transitions: &[Transition]) -> io::Result<()> {
        let mut recorded = transitions.iter().filter(|it| it.is_recorded());
        recorded.try_for_each(|transition| self.push(transition))
    }

    /// The whole file: what it is, and what makes this state again.
    fn of_state(queue: &str, state: &State, now: OffsetDateTime) -> io::Result<Self> {
        let mut lines = Self::default();
        lines.push(&Heading::Journal {
            format: FORMAT,
            queue: Cow::Borrowed(queue),
        })?;
        for heading in state.headings(now) {
            lines.push(&heading)?;
        }
        lines.push_transitions(&state.messages())?;
        Ok(lines)
    }
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
        let anew = io_error("write it anew");
        let lines = Lines::of_state(queue, &state, clock.now()).map_err(anew)?;
        let journal = Self {
            path: path.to_owned(),
            queue: queue.to_owned(),
            file: LineFile::replace(path, &lines.bytes).map_err(anew)?,
            line_count: lines.count,
            compact_at: lines.count + SETTLED_LINES_MAX,
            owed: Lines::default(),
            _lock: lock,
        };
        Ok((journal, state, clock))
    }

    /// Writes down what is about to happen, all or none. After an error the file is as it was, and
    /// it must not happen.
    pub(super) fn append(&mut self, transitions: &[Transition]) -> io::Result<()> {
        let mut lines = self.owed.clone();
        lines.push_transitions(transitions)?;
        self.write(&lines)
    }

    /// Writes down what has happened already; what cannot be written now goes with the next.
    pub(super) fn note(&mut self, transitions: &[Transition]) -> io::Result<()> {
        let mut lines = std::mem::take(&mut self.owed);
        let written = lines
            .push_transitions(transitions)
            .and_then(|()| self.write(&lines));
        if written.is_err() {
            self.owed = lines;
        }
        written
    }

    fn write(&mut self, lines: &Lines) -> io::Result<()> {
        self.file.append(&lines.bytes)?;
        self.line_count += lines.count;
        self.owed = Lines::default();
        Ok(())
    }

    /// Writes the file anew when most of it is about messages that are settled. When that fails it
    /// stays as it is.
    pub(super) fn compact_if_worth_it(
        &mut self,
        state: &State,
        now: OffsetDateTime,
    ) -> io::Result<()> {
        if self.line_count <= self.compact_at.max(state.len().saturating_mul(8)) {
            return Ok(());
        }
        // Not again at once, whether it works or not.
        self.compact_at = self.line_count + SETTLED_LINES_MAX;
        let lines = Lines::of_state(&self.queue, state, now)?;
        self.file = LineFile::replace(&self.path, &lines.bytes)?;
        self.line_count = lines.count;
        self.compact_at = lines.count + SETTLED_LINES_MAX;
        self.owed = Lines::default();
        Ok(())
    }

    /// The error in words that name the file.
    pub(super) fn cannot(&self, error: &io::Error) -> String {
        format!("{}: cannot write: {error}", self.path.display())
    }
}

/// The state that the lines of the file lead to; a file that is not there is an empty queue.
fn replay(path: &Path, queue: &str, options: QueueOptions) -> Result<State, JournalError> {
    let mut state = State::new(options);
    if path.try_exists().is_ok_and(|exists| !exists) {
        return Ok(state);
    }
    let bytes = LineFile::read(path).map_err(|source| io_error(path, "read", source))?;
    let damaged = |line, problem| JournalError::Damaged {
        path: path.display().to_string(),
        line,
        problem,
    };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    // A file without a whole line is damaged too: it was never put in its place without its first.
    let first = lines.next().unwrap_or_default();
    check_first(first, queue).map_err(|problem| damaged(1, problem))?;
    for (line, number) in lines.zip(2..) {
        let replayed = if Heading::is_meant_by(line) {
            parse(line).and_then(|heading| state.recall(heading))
        } else {
            parse(line).and_then(|transition| state.replay(transition))
        };
        replayed.map_err(|problem| damaged(number, problem))?;
    }
    Ok(state)
}

fn check_first(line: &[u8], queue: &str) -> Result<(), String> {
    let expected =
        format!("expected {{\"journal\":{{\"format\":{FORMAT},\"queue\":\"{queue}\"}}}}");
    match parse(line) {
        Ok(Heading::Journal {
            format,
            queue: name,
        }) if format == FORMAT && name == queue => Ok(()),
        Ok(_) => Err(format!(
            "{expected}, found {}",
            String::from_utf8_lossy(line).trim_end()
        )),
        Err(problem) => Err(format!("{expected}: {problem}")),
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line)
        .map_err(|error| format!("expected an entry of the journal: {error}"))
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
