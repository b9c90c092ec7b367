//! The mails that were accepted: in memory, and as files when there is a folder for them. The files
//! are the truth: who starts again finds those that are there, and no others.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use time::OffsetDateTime;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::file::{FileName, eml, read_eml};
use super::message::Email;

/// Mails that stay in memory; of older ones only the files are left.
const MAILS_MAX: usize = 1_000;

/// A mail that was accepted.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Counted from 1 on, over every run that kept the folder.
    pub number: u64,
    pub at: OffsetDateTime,
    /// The `Operation-Id` of the request.
    pub operation_id: Uuid,
    pub email: Email,
    /// The same as a file.
    pub eml: Vec<u8>,
}

/// Where mails go.
#[derive(Debug)]
pub struct Outbox {
    folder: Option<PathBuf>,
    last: AtomicU64,
    operations: Mutex<HashSet<Uuid>>,
    mails: Mutex<Mails>,
    arrivals: broadcast::Sender<Arc<Mail>>,
}

/// The newest, oldest first, and where each one's file is.
#[derive(Debug, Default)]
struct Mails {
    kept: VecDeque<Arc<Mail>>,
    files: HashMap<u64, PathBuf>,
}

impl Mails {
    fn push(&mut self, mail: Arc<Mail>, file: Option<PathBuf>) {
        if self.kept.len() == MAILS_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.files.remove(&oldest.number);
        }
        self.files.extend(file.map(|file| (mail.number, file)));
        self.kept.push_back(mail);
    }
}

impl Outbox {
    /// One that forgets everything in the end.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            folder: None,
            last: AtomicU64::new(0),
            operations: Mutex::default(),
            mails: Mutex::default(),
            arrivals: broadcast::Sender::new(256),
        }
    }

    /// One that writes each mail to a file in `folder` too; the first one makes the folder. The
    /// newest of the mails that are there already are in the outbox.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn in_folder(folder: PathBuf) -> io::Result<Self> {
        let outbox = Self::in_memory();
        let found = found_in(&folder)?;
        let mut mails = outbox.lock();
        for (name, file) in found.skip_to(MAILS_MAX) {
            // What is none of ours was put there by hand, and what is gone was taken away so.
            let Some((email, eml)) = fs::read(&file).ok().and_then(read_eml) else {
                continue;
            };
            // Runs that did not read their folder each counted from 1.
            let number = name.number.max(outbox.last.load(Ordering::Relaxed) + 1);
            outbox.last.store(number, Ordering::Relaxed);
            outbox.operations().insert(name.operation_id);
            let mail = Mail {
                number,
                at: name.at,
                operation_id: name.operation_id,
                email,
                eml,
            };
            mails.push(Arc::new(mail), Some(file));
        }
        drop(mails);
        Ok(Self {
            folder: Some(folder),
            ..outbox
        })
    }

    /// Takes a mail: on return it is as safe as it gets here. A repeat of an operation is none
    /// more: the real service may take its id for the key of an idempotent request.
    pub(super) async fn take(&self, email: Email, operation_id: Uuid) -> io::Result<()> {
        if self.operations().contains(&operation_id) {
            return Ok(());
        }
        let name = FileName {
            number: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            at: OffsetDateTime::now_utc(),
            operation_id,
        };
        let eml = eml(&email, &name)?;
        let file = match &self.folder {
            Some(folder) => Some(write(folder, &name, &eml).await?),
            None => None,
        };
        let mail = Arc::new(Mail {
            number: name.number,
            at: name.at,
            operation_id,
            email,
            eml,
        });
        if !self.operations().insert(operation_id) {
            return Ok(());
        }
        self.lock().push(Arc::clone(&mail), file);
        // An error means that nobody listens.
        self.arrivals.send(mail).ok();
        Ok(())
    }

    pub(super) fn mails(&self) -> Vec<Arc<Mail>> {
        self.lock().kept.iter().cloned().collect()
    }

    pub(super) fn mail(&self, number: u64) -> Option<Arc<Mail>> {
        let mails = self.lock();
        mails
            .kept
            .iter()
            .find(|mail| mail.number == number)
            .cloned()
    }

    /// Deletes a mail and its file; whether there was one. Its operation stays known.
    pub(super) fn delete(&self, number: u64) -> io::Result<bool> {
        let mut mails = self.lock();
        let Some(at) = mails.kept.iter().position(|mail| mail.number == number) else {
            return Ok(false);
        };
        if let Some(file) = mails.files.get(&number) {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        mails.files.remove(&number);
        mails.kept.remove(at);
        Ok(true)
    }

    /// Mails are numbered from 1.
    pub(super) fn last_number(&self) -> u64 {
        self.lock().kept.back().map_or(0, |mail| mail.number)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().kept.len()
    }

    pub(super) fn arrivals(&self) -> broadcast::Receiver<Arc<Mail>> {
        self.arrivals.subscribe()
    }

    fn operations(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Mails> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(folder: &Path, name: &FileName, eml: &[u8]) -> io::Result<PathBuf> {
    let file = folder.join(name.to_text()?);
    tokio::fs::create_dir_all(folder).await?;
    tokio::fs::write(&file, eml).await?;
    Ok(file)
}

/// The files of mails in a folder, oldest first.
#[derive(Debug, Default)]
struct FoundFiles(Vec<(FileName, PathBuf)>);

impl FoundFiles {
    /// The newest `limit` of them.
    fn skip_to(self, limit: usize) -> impl Iterator<Item = (FileName, PathBuf)> {
        let skipped = self.0.len().saturating_sub(limit);
        self.0.into_iter().skip(skipped)
    }
}

fn found_in(folder: &Path) -> io::Result<FoundFiles> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundFiles::default()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(FileName::read) {
            found.push((name, file));
        }
    }
    found.sort_by_key(|(name, _)| (name.at, name.number));
    Ok(FoundFiles(found))
}
