//! What was accepted: the newest in memory, and as lines of a file when there is one, as the real service keeps the
//! history of its runs. Who asks after a `kill -9` what became of an order finds its e-mail here.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::Received;

/// Accepted requests that are kept; older ones are forgotten, so that a stack may run for days.
const KEPT: usize = 20_000;

/// The accepted requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<Received>,
    /// So many came before the first that is kept.
    forgotten: usize,
    file: Option<File>,
    /// A write that failed may have left a part of its line.
    torn: bool,
}

impl History {
    /// What the file holds, and from now on each request becomes a line of it.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        // A line that a kill tore was promised to nobody.
        let lines = text.split(|byte| *byte == b'\n');
        let read: Vec<Received> = lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let skipped = read.len().saturating_sub(KEPT);
        let kept: VecDeque<Received> = read.into_iter().skip(skipped).collect();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        let mut anew = Vec::new();
        for received in &kept {
            anew.extend(line(received)?);
        }
        fs::write(&beside, anew)?;
        fs::rename(&beside, path)?;
        Ok(Self {
            kept,
            forgotten: 0,
            file: Some(OpenOptions::new().append(true).open(path)?),
            torn: false,
        })
    }

    /// Keeps a request; on an error it is not kept.
    pub(super) fn add(&mut self, received: Received) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut text = line(&received)?;
            if self.torn {
                text.insert(0, b'\n');
            }
            self.torn = true;
            file.write_all(&text)?;
            self.torn = false;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.kept.push_back(received);
        Ok(())
    }

    /// All but the first `count` that there ever were.
    pub(super) fn after(&self, count: usize) -> impl Iterator<Item = &Received> {
        self.kept.iter().skip(count.saturating_sub(self.forgotten))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.forgotten += self.kept.len();
        self.kept.clear();
        self.file.as_ref().map_or(Ok(()), |file| file.set_len(0))
    }
}

/// A body in a line: JSON is UTF-8.
pub(super) mod text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, ser::Error};

    pub(crate) fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(body).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}

fn line(received: &Received) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(received)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::OffsetDateTime;

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

    #[test]
    fn the_newest_are_kept_and_counting_goes_on() {
        let mut history = History::default();
        for number in 0..KEPT + 2 {
            history.add(received(&number.to_string())).expect("kept");
        }
        assert_eq!(history.after(0).count(), KEPT);
        assert_eq!(ids(&history, KEPT + 1), [(KEPT + 1).to_string()]);
        history.clear().expect("cleared");
        assert_eq!(history.after(0).count(), 0);
        history.add(received("x")).expect("kept");
        assert_eq!(ids(&history, KEPT + 2), ["x"]);
    }
}
