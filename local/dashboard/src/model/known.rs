//! The messages that can be opened: those that changed last, and all that the function has.

use std::collections::BTreeMap;

use super::message::{MessageStage, ShownMessage};

/// How many, at the most.
pub(super) const MESSAGES_MAX: usize = 500;

/// What their bodies may take together, in bytes.
const BODIES_MAX: usize = 32 * 1024 * 1024;

/// By number. What changed longest ago goes first, but not while the function has it: a queue
/// hands out its oldest messages, and those are what a person looks for.
#[derive(Debug, Default)]
pub(super) struct KnownMessages {
    by_number: BTreeMap<u64, KnownMessage>,
    by_change: BTreeMap<u64, u64>,
    changes: u64,
    bodies: usize,
}

#[derive(Debug)]
struct KnownMessage {
    message: ShownMessage,
    changed: u64,
}

impl KnownMessages {
    pub(super) fn insert(&mut self, message: ShownMessage) {
        let sequence = message.sequence;
        self.remove(sequence);
        self.changes += 1;
        self.bodies += message.body_length();
        self.by_change.insert(self.changes, sequence);
        let changed = self.changes;
        self.by_number
            .insert(sequence, KnownMessage { message, changed });
        while self.is_too_much()
            && let Some(oldest) = self.to_forget()
        {
            self.remove(oldest);
        }
    }

    fn is_too_much(&self) -> bool {
        let count = self.by_number.len();
        count > MESSAGES_MAX || (self.bodies > BODIES_MAX && count > 1)
    }

    /// Never the one that has just come.
    fn to_forget(&self) -> Option<u64> {
        let mut oldest_first = self.by_change.values().rev().skip(1).rev();
        let is_settled_or_waits = |sequence: &&u64| {
            let message = self.get(**sequence);
            message.is_none_or(|message| message.stage != MessageStage::Delivering)
        };
        let found = oldest_first.find(is_settled_or_waits);
        found.or_else(|| self.by_change.values().next()).copied()
    }

    fn remove(&mut self, sequence: u64) {
        if let Some(known) = self.by_number.remove(&sequence) {
            self.by_change.remove(&known.changed);
            self.bodies -= known.message.body_length();
        }
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.by_number.contains_key(&sequence)
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&ShownMessage> {
        Some(&self.by_number.get(&sequence)?.message)
    }

    /// To change it: it counts as changed from now on.
    pub(super) fn change(&mut self, sequence: u64) -> Option<&mut ShownMessage> {
        let known = self.by_number.get_mut(&sequence)?;
        self.changes += 1;
        self.by_change.remove(&known.changed);
        self.by_change.insert(self.changes, sequence);
        known.changed = self.changes;
        Some(&mut known.message)
    }

    /// The highest number first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &ShownMessage> {
        self.by_number.values().rev().map(|known| &known.message)
    }

    /// What changed last first.
    pub(super) fn last_changed_first(&self) -> impl Iterator<Item = &ShownMessage> {
        let numbers = self.by_change.values().rev();
        numbers.filter_map(|sequence| self.get(*sequence))
    }

    /// Those that the function has, the highest number first.
    pub(super) fn delivering(&self) -> impl Iterator<Item = &ShownMessage> {
        self.newest_first()
            .filter(|message| message.stage == MessageStage::Delivering)
    }
}
