//! What was accepted: the newest in memory, and as lines of a file when there is one, as the real
//! service keeps the history of its runs. Who asks after a `kill -9` what became of an order finds
//! its e-mail here.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::{fs, io};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stand_in::lines::{LineFile, line};
use time::OffsetDateTime;

/// Accepted requests that are kept; older ones are forgotten, so that a stack may run for days.
const RECEIVED_MAX: usize = 20_000;

/// A fallback request that was accepted: in Azure, an e-mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The workflow in the path.
    pub workflow: String,
    /// The `operationId` of the body.
    pub operation_id: String,
    /// The headers, names in lower case; the value of `authorization` is blanked.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    #[serde(with = "text")]
    pub body: Bytes,
}

/// The accepted requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: VecDeque<Received>,
    /// So many came before the first that is kept.
    forgotten: usize,
    file: Option<LineFile>,
}

impl History {
    /// What the file holds, and from now on each request becomes a line of it.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(crate) fn in_file(path: &Path) -> io::Result<Self> {
        let text = LineFile::read(path)?;
        // A line that is none of ours was put there by hand: it is nobody's e-mail.
        let read: Vec<Received> = text
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let skipped = read.len().saturating_sub(RECEIVED_MAX);
        let kept: VecDeque<Received> = read.into_iter().skip(skipped).collect();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut lines = Vec::new();
        for received in &kept {
            lines.extend(line(received)?);
        }
        Ok(Self {
            kept,
            forgotten: 0,
            file: Some(LineFile::replace(path, &lines)?),
        })
    }

    /// Keeps a request; on an error it is not kept.
    pub(crate) fn add(&mut self, received: Received) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.append(&line(&received)?)?;
        }
        if self.kept.len() == RECEIVED_MAX {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.kept.push_back(received);
        Ok(())
    }

    /// All but the first `count` that there ever were.
    pub(crate) fn after(&self, count: usize) -> impl Iterator<Item = &Received> {
        self.kept.iter().skip(count.saturating_sub(self.forgotten))
    }

    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.forgotten += self.kept.len();
        self.kept.clear();
        self.file.as_mut().map_or(Ok(()), LineFile::clear)
    }
}

/// A body in a line: JSON is UTF-8.
mod text {
    use bytes::Bytes;
    use serde::ser::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(body).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(id: &str) -> Received {
        Received {
            at: OffsetDateTime::UNIX_EPOCH,
            workflow: "fallback".to_owned(),
            operation_id: id.to_owned(),
            headers: BTreeMap::new(),
            body: format!("{{\n \"operationId\": \"{id}\", \"name\": \"Zoë\" }}").into(),
        }
    }

    fn ids(history: &History, after: usize) -> Vec<&str> {
        let all = history.after(after);
        all.map(|received| received.operation_id.as_str()).collect()
    }

    #[test]
    fn a_file_outlives_the_history_and_a_torn_line_is_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("logic-app/accepted.jsonl");
        let mut history = History::in_file(&path).expect("opened");
        history.add(received("a")).expect("kept");
        history.add(received("b")).expect("kept");
        drop(history);
        let whole = fs::read(&path).expect("read");
        fs::write(&path, whole.get(..whole.len() - 9).expect("cut")).expect("torn");

        let mut history = History::in_file(&path).expect("opened");
        assert_eq!(ids(&history, 0), ["a"]);
        history.add(received("c")).expect("kept");
        let history = History::in_file(&path).expect("opened");
        assert_eq!(ids(&history, 0), ["a", "c"]);
        assert_eq!(ids(&history, 1), ["c"]);
        let bodies: Vec<_> = history.after(0).map(|received| &received.body).collect();
        assert_eq!(*bodies[0], received("a").body, "byte for byte");
    }

    /// Its sender was told that it was not kept, and has sent it again or gone elsewhere.
    #[test]
    fn a_line_whose_end_could_not_be_written_is_not_kept_at_the_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("accepted.jsonl");
        let mut history = History::in_file(&path).expect("opened");
        history.add(received("a")).expect("kept");
        history.add(received("b")).expect("kept");
        drop(history);
        let whole = fs::read(&path).expect("read");
        fs::write(&path, whole.strip_suffix(b"\n").expect("an end")).expect("no end");

        let mut history = History::in_file(&path).expect("opened");
        assert_eq!(ids(&history, 0), ["a"]);
        history.add(received("c")).expect("kept");
        let history = History::in_file(&path).expect("opened");
        assert_eq!(ids(&history, 0), ["a", "c"]);
    }

    #[test]
    fn the_newest_are_kept_and_counting_goes_on() {
        let mut history = History::default();
        for number in 0..RECEIVED_MAX + 2 {
            history.add(received(&number.to_string())).expect("kept");
        }
        assert_eq!(history.after(0).count(), RECEIVED_MAX);
        assert_eq!(
            ids(&history, RECEIVED_MAX + 1),
            [(RECEIVED_MAX + 1).to_string()]
        );
        history.clear().expect("cleared");
        assert_eq!(history.after(0).count(), 0);
        history.add(received("x")).expect("kept");
        assert_eq!(ids(&history, RECEIVED_MAX + 2), ["x"]);
    }
}
