//! From what a process left in the folder, however it ended, to a state the service could have been in.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::Path;

use super::super::write::sha256;
use super::super::{Blob, Container, Stamp, etag, tick};
use super::log::{Log, Record, Written};
use super::names::{self, Files};
use super::{LOG, NEW, OpenError, gone, new};

/// What was kept.
#[derive(Debug, Default)]
pub(in crate::blob::storage) struct Kept {
    pub(in crate::blob::storage) containers: BTreeMap<String, Container>,
    /// The tick of the last ETag that was given out.
    pub(in crate::blob::storage) last_tick: i128,
}

/// What the log says is true, before a look at the files.
#[derive(Debug, Default)]
struct Truth {
    containers: BTreeMap<String, (Stamp, BTreeMap<String, Written>)>,
    /// Blobs and containers of which there must be no file.
    deleted: Vec<std::path::PathBuf>,
    files: HashMap<String, Files>,
    last_tick: i128,
}

type Recovered = (Kept, HashMap<String, Files>, Vec<Record>);

/// Finishes or undoes what was begun; the records are the log that says the same in fewer lines.
pub(super) fn recover(folder: &Path) -> Result<Recovered, OpenError> {
    let path = folder.join(LOG);
    let mut truth = Truth::default();
    for (at, record) in Log::read(&path)?.into_iter().enumerate() {
        truth.learn(record).map_err(|problem| OpenError::Line {
            path: path.clone(),
            line: at + 1,
            problem: problem.to_owned(),
        })?;
    }
    let failed = |error| OpenError::io(folder, error);
    for path in &truth.deleted {
        let left = folder.join(path);
        let removed = if left.is_dir() {
            fs::remove_dir_all(left)
        } else {
            fs::remove_file(left)
        };
        gone(removed).map_err(failed)?;
    }
    let (kept, records) = truth.look(folder).map_err(failed)?;
    let left = fs::read_dir(folder.join(NEW)).map_err(failed)?;
    for entry in left {
        // Content without a line, or replaced since.
        fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok((kept, truth.files, records))
}

impl Truth {
    fn learn(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Start { etag } => self.saw(&etag),
            Record::CreateContainer {
                container,
                etag,
                at,
            } => {
                self.saw(&etag)?;
                self.is_back(Path::new(&names::folder(&container)));
                let stamp = Stamp {
                    etag,
                    last_modified: at,
                };
                self.containers.insert(container, (stamp, BTreeMap::new()));
                Ok(())
            }
            Record::DeleteContainer { container, .. } => {
                self.deleted.push(names::folder(&container).into());
                self.files.remove(&container);
                self.containers
                    .remove(&container)
                    .map(drop)
                    .ok_or("the container is not there")
            }
            Record::Write(written) => self.wrote(written),
            Record::Delete {
                container, name, ..
            } => {
                let (_, blobs) = self
                    .containers
                    .get_mut(&container)
                    .ok_or("the container is not there")?;
                let written = blobs.remove(&name).ok_or("the blob is not there")?;
                self.deleted
                    .push(Path::new(&names::folder(&container)).join(written.file));
                self.files.entry(container).or_default().free(&name);
                Ok(())
            }
        }
    }

    fn wrote(&mut self, written: Written) -> Result<(), &'static str> {
        self.saw(&written.etag)?;
        if !names::is_safe(&written.file) {
            return Err("`file` is none of ours");
        }
        let place = Path::new(&names::folder(&written.container)).join(&written.file);
        if !self.containers.contains_key(&written.container) {
            return Err("the container is not there");
        }
        self.is_back(&place);
        let files = self.files.entry(written.container.clone()).or_default();
        files.take(&written.name, &written.file);
        if let Some((_, blobs)) = self.containers.get_mut(&written.container) {
            blobs.insert(written.name.clone(), written);
        }
        Ok(())
    }

    /// A path that was to be removed belongs to somebody new, on systems that know no case too.
    fn is_back(&mut self, path: &Path) {
        let folded = |path: &Path| path.to_string_lossy().to_lowercase();
        self.deleted
            .retain(|deleted| folded(deleted) != folded(path));
    }

    fn saw(&mut self, etag: &str) -> Result<(), &'static str> {
        let tick = tick(etag).ok_or("`etag` is none of ours")?;
        self.last_tick = self.last_tick.max(tick);
        Ok(())
    }

    /// Compares with the files. What people did to them by hand counts as what somebody did to the blobs.
    fn look(&mut self, folder: &Path) -> io::Result<(Kept, Vec<Record>)> {
        let mut kept = Kept::default();
        let mut records = Vec::new();
        for (container, (stamp, blobs)) in std::mem::take(&mut self.containers) {
            records.push(Record::CreateContainer {
                container: container.clone(),
                etag: stamp.etag.clone(),
                at: stamp.last_modified,
            });
            let place = folder.join(names::folder(&container));
            fs::create_dir_all(&place)?;
            let mut found = BTreeMap::new();
            for (name, mut written) in blobs {
                let file = place.join(&written.file);
                match content(&new(folder, &written.etag), &file)? {
                    Some(bytes) => {
                        if bytes.len() != written.length || sha256(&bytes) != written.sha256 {
                            self.last_tick += 1;
                            changed_by_hand(&mut written, &bytes, etag(self.last_tick));
                        }
                        found.insert(name, blob(&written, bytes));
                        records.push(Record::Write(written));
                    }
                    None => self.files.entry(container.clone()).or_default().free(&name),
                }
            }
            kept.containers.insert(
                container,
                Container {
                    stamp,
                    blobs: found,
                },
            );
        }
        kept.last_tick = self.last_tick;
        records.insert(
            0,
            Record::Start {
                etag: etag(self.last_tick),
            },
        );
        Ok((kept, records))
    }
}

/// The content of a blob, which is put into its place if it was still on its way.
fn content(new: &Path, file: &Path) -> io::Result<Option<Vec<u8>>> {
    if new.exists() {
        fs::rename(new, file)?;
    }
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// As if somebody had uploaded the file: the metadata spoke of other content.
fn changed_by_hand(written: &mut Written, bytes: &[u8], etag: String) {
    written.etag = etag;
    written.at = time::OffsetDateTime::now_utc();
    written.metadata.clear();
    written.length = bytes.len();
    written.sha256 = sha256(bytes);
}

fn blob(written: &Written, bytes: Vec<u8>) -> Blob {
    Blob {
        bytes: bytes.into(),
        metadata: written.metadata.clone(),
        content_type: written.content_type.clone(),
        etag: written.etag.clone(),
        last_modified: written.at,
    }
}
