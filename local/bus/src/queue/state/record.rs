//! The state as entries of the journal: made again from them, and written down whole.

use std::borrow::Cow;

use time::OffsetDateTime;

use super::State;
use crate::queue::QueueOptions;
use crate::queue::backlog::Waiting;
use crate::queue::journal::Entry;
use crate::queue::message::{Accepted, DeadLetter, DeadLetterReason};

impl State {
    /// Takes one entry of the journal; the error says what was expected instead.
    pub(in crate::queue) fn replay(&mut self, entry: Entry<'_>) -> Result<(), String> {
        match entry {
            Entry::Journal { .. } => return Err("expected it in the first line only".to_owned()),
            Entry::Highest { sequence, latest } => {
                self.last_sequence = self.last_sequence.max(sequence);
                self.latest = self.latest.max(latest);
            }
            Entry::Remembered { message_id, at } => self.duplicates.remember(&message_id, at),
            Entry::Accepted(accepted) => {
                if self.active.get_mut(accepted.sequence).is_some() {
                    return Err(format!("#{} waits already", accepted.sequence));
                }
                self.take(accepted.into_owned());
            }
            Entry::HandedOut {
                sequence,
                delivery_count,
            }
            | Entry::Released {
                sequence,
                delivery_count,
            } => self.waiting(sequence)?.deliveries = delivery_count,
            Entry::Completed { sequence } => drop(self.taken(sequence)?),
            Entry::DeadLettered {
                sequence,
                delivery_count,
                at,
                reason,
            } => {
                let accepted = self.taken(sequence)?.accepted;
                self.latest = self.latest.max(Some(at));
                self.dead.bury(DeadLetter {
                    accepted,
                    delivery_count,
                    at,
                    reason,
                });
            }
            Entry::LetterHandedOut {
                sequence,
                delivery_count,
            } => {
                let letter = self.dead.letter_mut(sequence);
                letter.ok_or_else(|| no_letter(sequence))?.delivery_count = delivery_count;
            }
            Entry::LetterCompleted { sequence } => {
                let letter = self.dead.remove(sequence);
                drop(letter.ok_or_else(|| no_letter(sequence))?);
            }
        }
        Ok(())
    }

    /// The latest time in the journal.
    pub(in crate::queue) fn latest(&self) -> Option<OffsetDateTime> {
        self.latest
    }

    /// Every lock was lost with the process: buries what was out for the last time.
    pub(in crate::queue) fn locks_are_lost(&mut self, now: OffsetDateTime) {
        let QueueOptions {
            max_delivery_count, ..
        } = self.options;
        let used_up = |waiting: &&Waiting| waiting.deliveries >= max_delivery_count;
        let used_up: Vec<u64> = self
            .active
            .iter()
            .filter(used_up)
            .map(|waiting| waiting.accepted.sequence)
            .collect();
        for sequence in used_up {
            if let Some(waiting) = self.active.remove(sequence) {
                self.bury(waiting, DeadLetterReason::MaxDeliveryCountExceeded, now);
            }
        }
    }

    /// The entries that make this state again, but for its locks.
    pub(in crate::queue) fn entries(&self, now: OffsetDateTime) -> Vec<Entry<'_>> {
        let mut entries = vec![Entry::Highest {
            sequence: self.last_sequence,
            latest: self.latest,
        }];
        let remembered = self.duplicates.iter(now);
        entries.extend(remembered.map(|(id, at)| Entry::Remembered {
            message_id: Cow::Borrowed(id),
            at,
        }));
        let waiting = self.active.iter();
        for Waiting {
            accepted,
            deliveries,
        } in waiting
        {
            entries.extend(message(accepted, *deliveries));
        }
        for delivery in self.locked.values() {
            entries.extend(message(&delivery.accepted, delivery.delivery_count));
        }
        for letter in self.dead.iter() {
            entries.push(Entry::Accepted(Cow::Borrowed(&letter.accepted)));
            entries.push(Entry::DeadLettered {
                sequence: letter.accepted.sequence,
                delivery_count: letter.delivery_count,
                at: letter.at,
                reason: letter.reason,
            });
        }
        entries
    }

    /// How many messages the queue has, whatever their state.
    pub(in crate::queue) fn len(&self) -> usize {
        self.active.len() + self.locked.len() + self.dead.len()
    }

    fn waiting(&mut self, sequence: u64) -> Result<&mut Waiting, String> {
        let waiting = self.active.get_mut(sequence);
        waiting.ok_or_else(|| not_waiting(sequence))
    }

    fn taken(&mut self, sequence: u64) -> Result<Waiting, String> {
        let waiting = self.active.remove(sequence);
        waiting.ok_or_else(|| not_waiting(sequence))
    }
}

fn message(accepted: &Accepted, delivery_count: u32) -> impl Iterator<Item = Entry<'_>> {
    let handed_out = Entry::HandedOut {
        sequence: accepted.sequence,
        delivery_count,
    };
    std::iter::once(Entry::Accepted(Cow::Borrowed(accepted)))
        .chain((delivery_count > 0).then_some(handed_out))
}

fn not_waiting(sequence: u64) -> String {
    format!("expected an earlier line that accepts #{sequence}, and none that settles it")
}

fn no_letter(sequence: u64) -> String {
    format!("expected an earlier line that dead-letters #{sequence}, and none that completes it")
}
