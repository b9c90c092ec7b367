//! The file of the journal: bytes are in it whole or not at all, and a new file takes the old one's place in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// An open file that ends with a whole line.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    file: File,
    // Where the last whole line ends, and whether a write that failed left something behind it.
    end: u64,
    torn: bool,
}

impl JournalFile {
    /// Puts a file with this content in the place of `path`.
    pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<Self> {
        let new = beside(path, "new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)?;
        file.write_all(content)?;
        // The old file may have outlived a power cut; the new one must not be worse.
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            end: content.len() as u64,
            torn: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends all bytes or none. What a failure left behind is cut off, at the latest before the next append.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.cut_off_torn_end()?;
        if let Err(error) = self.file.write_all(bytes) {
            self.torn = true;
            // What fails here is tried again before the next write.
            self.cut_off_torn_end().ok();
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn cut_off_torn_end(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.end)?;
            self.file.seek(io::SeekFrom::Start(self.end))?;
            self.torn = false;
        }
        Ok(())
    }
}

/// The path with one more extension.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
