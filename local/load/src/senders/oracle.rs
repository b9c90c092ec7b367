//! The oracle: what was sent, and what the queue said to it. Memory, and a file that only grows.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::LoadError;
use crate::evidence::Sent;

/// The notes; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oracle(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    sent: Vec<Sent>,
    file: Option<File>,
}

impl Oracle {
    /// One that also writes each note as a line of JSON into `sent.jsonl` of this folder, if there is one.
    pub(crate) fn kept_in(folder: Option<&Path>) -> Result<Self, LoadError> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        let path = folder.join("sent.jsonl");
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
        let file = made.map_err(|source| LoadError::File {
            path: path.display().to_string(),
            source,
        })?;
        let notes = Notes {
            sent: Vec::new(),
            file: Some(file),
        };
        Ok(Self(Arc::new(Mutex::new(notes))))
    }

    /// Notes a message whose sending has come to an end.
    pub(crate) fn note(&self, sent: Sent) {
        let mut notes = self.lock();
        if let (Some(file), Ok(line)) = (&mut notes.file, serde_json::to_string(&sent)) {
            // A full disk must not end the run: the judge goes by what is in memory.
            writeln!(file, "{line}").ok();
        }
        notes.sent.push(sent);
    }

    /// All notes. Of one session, in the order of sending.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().sent.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().sent.len()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
