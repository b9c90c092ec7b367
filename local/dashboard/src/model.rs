//! What the dashboard knows of the messages: the parts' own words, joined by the message's number.
//!
//! Pure: it is told what happens and when, and waits for nothing. Of the messages the newest
//! stay; of older ones only the counters are left.

mod activity;
mod delivery;
mod host;
mod log_line;
mod message;
mod newest;
mod operations;
mod requests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::text::timestamp;
use ::host::Level;
use activity::Activity;
use bus::Transition;
pub(super) use message::{Message, Stage};
use operations::Operations;

/// Messages that can be opened.
const MESSAGES_MAX: usize = 500;

/// Counts of this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) completed: u64,
    pub(super) stored: u64,
    pub(super) superseded: u64,
    pub(super) handed_over: u64,
    pub(super) released: u64,
    pub(super) dead_lettered: u64,
    pub(super) uploads: u64,
    pub(super) uploads_failed: u64,
    pub(super) handler_exits: u64,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) totals: Totals,
    pub(super) activity: Activity,
    messages: BTreeMap<u64, Message>,
    /// Which message a request that has no answer yet belongs to.
    open: BTreeMap<u64, u64>,
    operations: Operations,
    changed: BTreeSet<u64>,
    revision: u64,
}

impl Model {
    /// A message that can be opened.
    pub(super) fn message(&self, sequence: u64) -> Option<&Message> {
        self.messages.get(&sequence)
    }

    /// The newest messages, newest first.
    pub(super) fn newest(&self, limit: usize) -> impl Iterator<Item = &Message> {
        self.messages.values().rev().take(limit)
    }

    /// Rises with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The messages that changed since the last call, the newest `limit` of them.
    pub(super) fn take_changed(&mut self, limit: usize) -> Vec<&Message> {
        let changed = std::mem::take(&mut self.changed);
        let newest = changed.into_iter().rev().take(limit);
        newest
            .filter_map(|sequence| self.messages.get(&sequence))
            .collect()
    }

    /// Something changed that the model does not hold.
    pub(super) fn touch(&mut self) {
        self.revision += 1;
    }

    /// Something that belongs to no message.
    pub(super) fn note(&mut self, level: Level, text: &str, now: OffsetDateTime) {
        self.revision += 1;
        self.activity.add(level, text, now);
    }

    /// The queue changed.
    pub(super) fn transition(&mut self, transition: &Transition, now: OffsetDateTime) {
        self.revision += 1;
        match transition {
            Transition::Accepted(accepted) => {
                self.totals.accepted += 1;
                let message = Message::new(accepted, now);
                self.messages.insert(accepted.sequence, message);
                self.changed.insert(accepted.sequence);
                if self.messages.len() > MESSAGES_MAX {
                    self.messages.pop_first();
                }
            }
            Transition::Duplicate { message_id } => {
                self.totals.duplicates += 1;
                let text = format!("dropped a duplicate: message id {message_id} was seen before");
                self.activity.add(Level::Information, &text, now);
            }
            Transition::Locked {
                sequence,
                delivery_count,
                ..
            } => self.change(*sequence, now, |message| message.locked(*delivery_count)),
            Transition::Completed { sequence } => {
                self.totals.completed += 1;
                self.change(*sequence, now, Message::completed);
            }
            Transition::Released { sequence, .. } => {
                self.totals.released += 1;
                self.change(*sequence, now, |message| message.stage = Stage::Waiting);
            }
            Transition::DeadLettered {
                sequence, reason, ..
            } => {
                self.totals.dead_lettered += 1;
                let reason = reason.to_string();
                self.change(*sequence, now, |message| message.dead_lettered(reason));
            }
            // It is among the dead as before.
            Transition::LetterHandedOut { .. } => {}
            Transition::LetterCompleted { sequence } => {
                self.change(*sequence, now, |message| message.stage = Stage::Redriven);
            }
        }
    }

    fn change(&mut self, sequence: u64, now: OffsetDateTime, change: impl FnOnce(&mut Message)) {
        let Some(message) = self.messages.get_mut(&sequence) else {
            return;
        };
        change(message);
        message.changed = timestamp(now);
        self.changed.insert(sequence);
    }
}

#[cfg(test)]
mod tests;
