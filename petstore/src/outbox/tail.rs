//! A journal read on from where it was read to: most looks find a line or two that are new.

use std::fs::File;
use std::io;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::record::Ledger;

/// What was read of a journal.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Bytes, up to the end of a line.
    read: u64,
    /// The last line read. No two are alike, so where it still stands the file is the same.
    last: Vec<u8>,
    ledger: Ledger,
}

impl Tail {
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Reads what is new; from the start when the file was made smaller, or is another one's now.
    pub(super) fn read_on(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.read - self.last.len() as u64))?;
        file.read_to_end(&mut bytes)?;
        if !bytes.starts_with(&self.last) {
            *self = Self::default();
            bytes.clear();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
        }
        // Half a line is still being written.
        let mut lines = bytes.split_inclusive(|b| *b == b'\n');
        let known = self.last.len();
        let whole = bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let new = bytes.get(known..whole).unwrap_or_default();
        self.ledger.read(new, path);
        self.read += new.len() as u64;
        if let Some(last) = lines.rfind(|line| line.ends_with(b"\n")) {
            self.last = last.to_vec();
        }
        Ok(())
    }
}
