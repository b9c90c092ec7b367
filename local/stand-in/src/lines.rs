//! A file of JSON lines, one for each thing that happened: a line is in it whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

/// The file, open for more.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    /// Where the last whole line ends.
    end: u64,
    /// A write that failed may have left a part of its line behind the end.
    torn: bool,
}

impl LineFile {
    /// The whole lines of the file at `path`; none when there is no file. What stands behind the
    /// last line's end was promised to nobody: its writer was told that it failed, or was killed
    /// before it was told.
    pub fn read(path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |last| last + 1));
        Ok(bytes)
    }

    /// Puts a file of these lines in the place of `path`, in one step, and goes on from there.
    pub fn replace(path: &Path, lines: &[u8]) -> io::Result<Self> {
        let new = beside(path, "new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)?;
        file.write_all(lines)?;
        // The old file may have outlived a power cut; the new one must not be worse.
        file.sync_all()?;
        fs::rename(&new, path)?;
        Ok(Self {
            file,
            end: lines.len() as u64,
            torn: false,
        })
    }

    /// Appends whole lines, all or none. What a failure left behind is cut off, at the latest
    /// before the next append. Until then a single line stands without its end, and
    /// [`LineFile::read`] leaves it out; of several, those before the failure would be read.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.cut_off_torn_end()?;
        if let Err(error) = self.file.write_all(lines) {
            self.torn = true;
            // What fails here is tried again before the next write.
            self.cut_off_torn_end().ok();
            return Err(error);
        }
        self.end += lines.len() as u64;
        Ok(())
    }

    /// Takes every line out.
    pub fn clear(&mut self) -> io::Result<()> {
        self.end = 0;
        self.torn = true;
        self.cut_off_torn_end()
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

/// A value as a line with its end.
pub fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// The path with one more extension.
pub fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_line_end_is_no_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines.jsonl");
        assert_eq!(LineFile::read(&path).expect("none"), b"");
        for (written, read) in [
            ("", ""),
            ("{\"a\":1}", ""),
            ("{\"a\":1}\n", "{\"a\":1}\n"),
            ("{\"a\":1}\n{\"b\":2}", "{\"a\":1}\n"),
        ] {
            fs::write(&path, written).expect("written");
            assert_eq!(LineFile::read(&path).expect("read"), read.as_bytes());
        }
    }

    #[test]
    fn lines_follow_each_other_and_can_be_taken_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines.jsonl");
        let mut file = LineFile::replace(&path, &line(&1).expect("JSON")).expect("replaced");
        file.append(&line(&2).expect("JSON")).expect("appended");
        assert_eq!(fs::read(&path).expect("read"), b"1\n2\n");
        file.clear().expect("cleared");
        file.append(&line(&3).expect("JSON")).expect("appended");
        assert_eq!(fs::read(&path).expect("read"), b"3\n");
    }
}
