//! What happened that belongs to no message.

use std::collections::VecDeque;

use host::{Exit, Level, Next};
use serde::Serialize;
use time::OffsetDateTime;

use crate::text::{cut, level_name, timestamp};

/// Entries that are kept: the newest.
const ENTRIES_MAX: usize = 100;

/// The longest text of an entry, in characters.
const TEXT_MAX: usize = 1_000;

/// The newest of what happened.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    entries: VecDeque<ActivityEntry>,
    last: u64,
    told: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ActivityEntry {
    number: u64,
    at: String,
    level: &'static str,
    text: String,
}

impl Activity {
    pub(super) fn add(&mut self, level: Level, text: &str, now: OffsetDateTime) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.last += 1;
        self.entries.push_back(ActivityEntry {
            number: self.last,
            at: timestamp(now),
            level: level_name(level),
            text: cut(text, TEXT_MAX),
        });
    }

    /// What is kept, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ActivityEntry> {
        self.entries.iter()
    }

    /// What is new since the last call.
    pub(crate) fn take_new(&mut self) -> Vec<ActivityEntry> {
        let told = std::mem::replace(&mut self.told, self.last);
        let new = self.entries.iter().filter(|entry| entry.number > told);
        new.cloned().collect()
    }
}

/// How the handler ended, and what the host does about it.
pub(super) fn exited(exit: Exit, next: Next) -> String {
    let how = match exit {
        Exit::Code(Some(code)) => format!("exited with code {code}"),
        Exit::Code(None) => "was ended by a signal".to_owned(),
        Exit::Killed => "was killed".to_owned(),
        Exit::Replaced => "gave way to what was built".to_owned(),
        Exit::NotInitialized => "did not answer in time and was killed".to_owned(),
    };
    let then = match next {
        Next::Restart => "started again",
        Next::StayDown => "stays down, as in Azure; messages wait",
        Next::StopHost => "third error within 30 min",
    };
    format!("handler {how}: {then}")
}
