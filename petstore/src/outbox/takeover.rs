//! What an instance left that is no more: whoever finds its journal unlocked takes it over.

use std::path::Path;
use std::{fs, io};

use tracing::{error, info};

use super::change::Change;
use super::folder::Journals;
use super::lock::lock;
use super::record::{Ledger, Record};
use super::slot::Slot;

impl Slot {
    /// Takes over every journal that nobody holds, and returns what is ours to deliver now.
    ///
    /// What cannot be read or removed stays for the next time.
    pub(super) fn take_over(&mut self) -> Vec<Change> {
        let mut taken = Vec::new();
        let listed = self.folder.look().map(|journals| {
            let own = self.folder.own();
            let others = journals.paths().filter(|path| *path != own);
            others.cloned().collect::<Vec<_>>()
        });
        let listed = listed.unwrap_or_else(|error| {
            error!(%error, "outbox: the folder cannot be read");
            Vec::new()
        });
        for path in listed {
            let adopted = match lock(&path) {
                Ok(Some(_lock)) => self.adopt(&path, &mut taken),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = adopted {
                error!(file = %path.display(), %error, "outbox: not taken over");
            }
        }
        taken
    }

    /// Its changes are ours before its file goes, so that a crash in between keeps them twice.
    fn adopt(&mut self, path: &Path, taken: &mut Vec<Change>) -> io::Result<()> {
        let records = {
            let journals = self.folder.look()?;
            let Some(left) = journals.ledger(path) else {
                // Another instance was faster.
                return Ok(());
            };
            inherited(&journals, left, self.folder.own(), path)
        };
        if !records.is_empty() {
            self.append(&records)?;
        }
        let before = taken.len();
        taken.extend(records.into_iter().filter_map(|record| match record {
            Record::Put(change) => Some(change),
            Record::Done { .. } | Record::Passed { .. } => None,
        }));
        let count = taken.len() - before;
        info!(count, file = %path.display(), "outbox: took over what another instance left");
        fs::remove_file(path)
    }
}

/// What of the journal `path` still matters: changes of which no journal knows a newer one, and how
/// far the sessions are of which another one holds something older.
fn inherited(journals: &Journals, left: &Ledger, own: &Path, path: &Path) -> Vec<Record> {
    let ours = journals.ledger(own);
    let wanted = |change: &&Change| {
        let age = Some(change.age());
        let ours = ours.and_then(|ledger| ledger.newest(&change.session));
        // An equal one of ours is the same, from a take-over that was cut short. One of a third
        // instance may be given up for this one in the same moment, so it does not count.
        ours < age && journals.newest_beside(path, &change.session) <= age
    };
    let changes = left.all_waiting().filter(wanted).cloned().map(Record::Put);
    let passed = left.all_newest().filter(|(session, age)| {
        let mut older = journals.waiting_beside(path, session, *age);
        older.next().is_some()
    });
    let passed = passed.map(|(session, age)| Record::Passed {
        session: session.clone(),
        age,
    });
    changes.chain(passed).collect()
}
