//! A line of a journal, and what the lines of one journal say together.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing::error;

use super::change::{Age, Change};
use crate::session::SessionId;

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// This change waits, in place of any older one of its session.
    Put(Change),
    /// This one is delivered, or no longer wanted.
    Done {
        /// Whose.
        session: SessionId,
        /// Which.
        message: String,
    },
    /// The session is at least this far: whatever is older must not be sent any more.
    Passed {
        /// Whose.
        session: SessionId,
        /// How far.
        age: Age,
    },
}

/// What waits, and how far each session is.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    waiting: HashMap<SessionId, Change>,
    newest: HashMap<SessionId, Age>,
}

impl Ledger {
    pub(super) fn note(&mut self, record: Record) {
        match record {
            Record::Put(change) => {
                self.newest.insert(change.session.clone(), change.age());
                self.waiting.insert(change.session.clone(), change);
            }
            Record::Done { session, message } => {
                let same = |change: &Change| change.message == message;
                if self.waiting.get(&session).is_some_and(same) {
                    self.waiting.remove(&session);
                }
            }
            Record::Passed { session, age } => {
                let older = |change: &Change| change.age() < age;
                if self.waiting.get(&session).is_some_and(older) {
                    self.waiting.remove(&session);
                }
                let newest = self.newest.entry(session).or_insert(age);
                *newest = age.max(*newest);
            }
        }
    }

    /// Reads the lines of the file `path`.
    pub(super) fn read(&mut self, lines: &[u8], path: &Path) {
        for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(record) => self.note(record),
                Err(error) => {
                    error!(file = %path.display(), %error, "outbox: a damaged line is left out");
                }
            }
        }
    }

    /// What waits, one change a session.
    pub(super) fn all_waiting(&self) -> impl Iterator<Item = &Change> {
        self.waiting.values()
    }

    pub(super) fn waiting(&self, session: &SessionId) -> Option<&Change> {
        self.waiting.get(session)
    }

    /// How far each session is.
    pub(super) fn all_newest(&self) -> impl Iterator<Item = (&SessionId, Age)> {
        self.newest.iter().map(|(session, age)| (session, *age))
    }

    pub(super) fn newest(&self, session: &SessionId) -> Option<Age> {
        self.newest.get(session).copied()
    }

    /// Forgets how far a session is, unless something of it waits here or `keep` says otherwise.
    pub(super) fn forget(&mut self, keep: impl Fn(&SessionId, Age) -> bool) {
        let waiting = &self.waiting;
        self.newest
            .retain(|session, age| waiting.contains_key(session) || keep(session, *age));
    }

    /// The fewest lines that say the same.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let delivered = self
            .newest
            .iter()
            .filter(|(session, _)| !self.waiting.contains_key(*session));
        let passed = delivered.map(|(session, age)| Record::Passed {
            session: session.clone(),
            age: *age,
        });
        passed.chain(self.waiting.values().cloned().map(Record::Put))
    }
}
