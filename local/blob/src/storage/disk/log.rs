//! `writes.jsonl`: one line for each accepted change. The line decides: without it nothing happened.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::OpenError;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(super) enum Record {
    /// The first line after a start: everything before it is summed up in the lines that follow it.
    Start {
        /// The last one given out, so that none is ever given out again.
        etag: String,
    },
    /// A container was created.
    CreateContainer {
        container: String,
        etag: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// A container was deleted, with all that was in it.
    DeleteContainer {
        container: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// A blob was written.
    Write(Written),
    /// A blob was deleted.
    Delete {
        container: String,
        name: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

/// A blob's state but for its content, which is in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pub(super) container: String,
    pub(super) name: String,
    /// In the container's folder; the blob's own name where a file can have it.
    pub(super) file: String,
    pub(super) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    pub(super) content_type: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) length: usize,
    pub(super) sha256: String,
}

/// The log, open for more.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    length: u64,
    /// Half a line is at its end and could not be cut off: another one would be glued to it.
    broken: bool,
}

impl Log {
    /// Every whole line. Half a line at the end is none: nobody was told that it was accepted.
    pub(super) fn read(path: &Path) -> Result<Vec<Record>, OpenError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(OpenError::io(path, error)),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let lines = bytes
            .get(..whole)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n');
        let numbered = lines.enumerate().filter(|(_, line)| !line.is_empty());
        numbered
            .map(|(at, line)| {
                serde_json::from_slice(line).map_err(|error| OpenError::Line {
                    path: path.to_owned(),
                    line: at + 1,
                    problem: error.to_string(),
                })
            })
            .collect()
    }

    /// Puts `records` in place of all lines, in one step, and goes on from there.
    pub(super) fn replace(path: &Path, beside: &Path, records: &[Record]) -> io::Result<Self> {
        let mut lines = Vec::new();
        for record in records {
            lines.extend(line(record)?);
        }
        std::fs::write(beside, &lines)?;
        std::fs::rename(beside, path)?;
        Ok(Self {
            file: OpenOptions::new().append(true).open(path)?,
            length: lines.len() as u64,
            broken: false,
        })
    }

    /// Adds a line. On an error there is none.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier line could not be written whole",
            ));
        }
        let line = line(record)?;
        if let Err(error) = self.file.write_all(&line) {
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}
