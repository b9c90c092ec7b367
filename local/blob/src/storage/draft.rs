//! The content of the write under way, in a file of its own: whole before anybody is told of the
//! write, and marked when the blob's file has it.
//!
//! One draft is enough, as one write is under way at a time. Its first line is a mark and the ETag;
//! the rest is the content, behind which there may be some of a longer one before it.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::blob::sha256;

const TO_DO: u8 = b'+';
const DONE: u8 = b'-';

/// A content on its way.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: PathBuf,
}

impl Draft {
    /// Writes it over the last one.
    pub(super) fn write(path: &Path, etag: &str, content: &[u8]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = Vec::with_capacity(etag.len() + content.len() + 2);
        bytes.push(TO_DO);
        bytes.extend_from_slice(etag.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(content);
        file.write_all(&bytes)?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// The blob's file has it.
    pub(super) fn mark_done(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&[DONE])
    }

    /// The blob's file cannot have it: it waits elsewhere for the next start, as the next write needs
    /// its place here.
    pub(super) fn waits_at(self, path: &Path) -> io::Result<()> {
        fs::rename(self.path, path)
    }
}

/// A draft that a process left, and that may not be in its place.
#[derive(Debug, Default)]
pub(super) struct LeftDraft {
    etag: String,
    content: Vec<u8>,
}

impl LeftDraft {
    /// Without a draft, or with one that is done, it is of no write.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (Some(&TO_DO), Some(end)) = (bytes.first(), end) else {
            return Ok(Self::default());
        };
        let mut content = bytes.split_off(end);
        content.remove(0);
        let etag = bytes.get(1..).unwrap_or_default();
        Ok(Self {
            etag: String::from_utf8_lossy(etag).into_owned(),
            content,
        })
    }

    /// The content, if it is that of this write and is whole.
    pub(super) fn of(&self, etag: &str, length: usize, digest: &str) -> Option<&[u8]> {
        let content = self.content.get(..length)?;
        (self.etag == etag && sha256(content) == digest).then_some(content)
    }
}
