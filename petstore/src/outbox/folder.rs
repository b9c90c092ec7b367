//! The journals of all instances that share a folder, read without their locks: whose turn it is.
//!
//! A session's carts must reach the bus in order, also when its shopper goes from one instance to
//! another: a restart sends everyone on. So each attempt to send looks into the folder first.
//! A newer cart of the session in another journal: ours is given up. An older one that still waits
//! in a journal whose instance lives: ours waits until that one is delivered or given up.
//!
//! Why that is enough: a change is on the disk before its sender looks. Of two instances with one
//! session, whoever looks last therefore sees the other's change. If it is the one with the older
//! cart, it gives up; if it is the one with the newer, it waits for the end of the other's attempt.
//! A dead instance attempts nothing, and whoever takes over its journal looks like everyone else.
//!
//! That a session is past some cart must stay known as long as that cart waits anywhere. The lines
//! of what was delivered say so; a journal that is made smaller, and one that is taken over, leaves
//! [`Record::Passed`](super::Record::Passed) behind for the sessions that wait in another.
//!
//! Left is what no file can say: a request under way when its instance was killed, or that got no
//! answer in time, may reach the bus after the next one. And what the disk itself gets wrong: a
//! share that shows a line late (SMB may, for a second) shows it too late to whoever looks then,
//! and a line that another has read may still fail to be written.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use super::change::Age;
use super::lock::lock;
use super::record::Ledger;
use super::tail::Tail;
use crate::session::SessionId;

/// Each round means that a journal was taken over meanwhile.
const ROUNDS: u32 = 100;

/// Whether a change may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody has another cart of its session to send.
    Now,
    /// Another instance may be sending an older one.
    Later,
    /// A newer one was accepted.
    Never,
}

/// The folder, as one instance sees it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    own: PathBuf,
    tickets: AtomicU64,
    journals: Mutex<Journals>,
}

impl Folder {
    /// `own` is the instance's own journal.
    pub(super) fn new(path: &Path, own: PathBuf) -> Self {
        Self {
            path: path.to_owned(),
            own,
            tickets: AtomicU64::new(0),
            journals: Mutex::default(),
        }
    }

    pub(super) fn own(&self) -> &Path {
        &self.own
    }

    /// The journals as they are now. Those who come together share one reading.
    pub(super) fn look(&self) -> io::Result<MutexGuard<'_, Journals>> {
        let ticket = self.tickets.fetch_add(1, Ordering::SeqCst);
        // A reading that panicked is repeated: its tails are consistent after every file.
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        if journals.seen <= ticket {
            let seen = self.tickets.load(Ordering::SeqCst);
            journals.read(&self.path)?;
            journals.seen = seen;
        }
        Ok(journals)
    }

    /// Whether our change of this session and age may be sent. It is in our own journal.
    pub(super) fn turn(&self, session: &SessionId, age: Age) -> io::Result<Turn> {
        let journals = self.look()?;
        let own = journals.ledger(&self.own);
        let newest = own.and_then(|ledger| ledger.newest(session));
        if newest.max(journals.newest_beside(&self.own, session)) > Some(age) {
            return Ok(Turn::Never);
        }
        for other in journals.waiting_beside(&self.own, session, age) {
            if lock(other)?.is_none() {
                return Ok(Turn::Later);
            }
        }
        Ok(Turn::Now)
    }
}

/// What the journals say.
#[derive(Debug, Default)]
pub(super) struct Journals {
    /// Whoever drew a lower ticket did so before this was read.
    seen: u64,
    tails: BTreeMap<PathBuf, Tail>,
}

impl Journals {
    fn read(&mut self, folder: &Path) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let listed = list(folder)?;
            self.tails.retain(|path, _| listed.contains(path));
            let read = listed
                .iter()
                .try_for_each(|path| self.tails.entry(path.clone()).or_default().read_on(path));
            match read {
                // Taken over meanwhile: what it said is in another one now, perhaps read before.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                read => return read,
            }
        }
        Err(io::Error::other("the journals never stand still"))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.tails.keys()
    }

    pub(super) fn ledger(&self, path: &Path) -> Option<&Ledger> {
        self.tails.get(path).map(Tail::ledger)
    }

    fn beside(&self, path: &Path) -> impl Iterator<Item = (&PathBuf, &Ledger)> {
        let others = self.tails.iter().filter(move |(other, _)| *other != path);
        others.map(|(other, tail)| (other, tail.ledger()))
    }

    /// How far the session is according to the journals other than `path`.
    pub(super) fn newest_beside(&self, path: &Path, session: &SessionId) -> Option<Age> {
        let newest = |(_, ledger): (_, &Ledger)| ledger.newest(session);
        self.beside(path).filter_map(newest).max()
    }

    /// The journals other than `path` in which a cart of the session waits that is older than
    /// `age`.
    pub(super) fn waiting_beside(
        &self,
        path: &Path,
        session: &SessionId,
        age: Age,
    ) -> impl Iterator<Item = &Path> {
        let older = move |ledger: &Ledger| {
            let waiting = ledger.waiting(session);
            waiting.is_some_and(|waiting| waiting.age() < age)
        };
        let others = self.beside(path).filter(move |(_, ledger)| older(ledger));
        others.map(|(other, _)| other.as_path())
    }
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            found.push(path);
        }
    }
    Ok(found)
}
