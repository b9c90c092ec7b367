//! Reads a journal.

use std::io::ErrorKind;
use std::path::Path;

use super::{Entry, FORMAT, JournalError, io_error};
use crate::queue::QueueOptions;
use crate::queue::state::State;

/// The state that the lines of the file lead to; a file that is not there is an empty queue.
pub(super) fn replay(
    path: &Path,
    queue: &str,
    options: QueueOptions,
) -> Result<State, JournalError> {
    let mut state = State::new(options);
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(state),
        Err(source) => return Err(io_error(path, "read", source)),
    };
    let damaged = |line, problem| JournalError::Damaged {
        path: path.display().to_string(),
        line,
        problem,
    };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    check_first(first, queue).map_err(|problem| damaged(1, problem))?;
    for (line, number) in lines.zip(2..) {
        if !line.ends_with(b"\n") {
            // Torn by a kill in mid-write: only the last line can be.
            break;
        }
        let replayed = parse(line).and_then(|entry| state.replay(entry));
        replayed.map_err(|problem| damaged(number, problem))?;
    }
    Ok(state)
}

fn check_first(line: &[u8], queue: &str) -> Result<(), String> {
    let expected =
        format!("expected {{\"journal\":{{\"format\":{FORMAT},\"queue\":\"{queue}\"}}}}");
    match parse(line) {
        Ok(Entry::Journal {
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

fn parse(line: &[u8]) -> Result<Entry<'_>, String> {
    serde_json::from_slice(line)
        .map_err(|error| format!("expected an entry of the journal: {error}"))
}
