//! The state made again from the lines of a journal, and written down whole.

use std::borrow::Cow;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::Waiting;
use crate::queue::amqp_form::PropertyChanges;
use crate::queue::message::{DeadLetter, DeadLetterReason};
use crate::queue::transition::{Heading, Transition};

impl State {
    /// Takes one of the lines that a file begins with; the error says what was expected instead.
    pub(in crate::queue) fn recall(&mut self, heading: Heading<'_>) -> Result<(), String> {
        match heading {
            Heading::Journal { .. } => return Err("expected it in the first line only".to_owned()),
            Heading::Highest { sequence, latest } => {
                self.last_sequence = self.last_sequence.max(sequence);
                self.latest = self.latest.max(latest);
            }
            Heading::Remembered { message_id, at } => {
                self.duplicates.remember(&message_id, at, None);
            }
        }
        Ok(())
    }

    /// Takes what happened once; the error says what was expected instead.
    pub(in crate::queue) fn replay(&mut self, transition: Transition) -> Result<(), String> {
        match transition {
            Transition::Duplicate { .. } => {}
            Transition::Accepted(accepted) => {
                if self.find_mut(accepted.sequence).is_some() {
                    return Err(format!("#{} waits already", accepted.sequence));
                }
                self.take(accepted);
            }
            Transition::Scheduled(accepted) => self.plan(accepted),
            Transition::Due {
                scheduled,
                accepted,
            } => {
                self.unplan(scheduled)?;
                self.take(accepted);
            }
            Transition::Cancelled { sequence } => self.unplan(sequence)?,
            // The lock was lost with the process.
            Transition::Locked {
                sequence,
                delivery_count,
                ..
            }
            | Transition::Released {
                sequence,
                delivery_count,
            } => {
                let waiting = self.find_mut(sequence);
                waiting.ok_or_else(|| not_waiting(sequence))?.delivery_count = delivery_count;
            }
            Transition::Completed { sequence } | Transition::Expired { sequence } => {
                drop(self.waiting(sequence)?);
            }
            Transition::Deferred { sequence } => {
                let mut message = self.waiting(sequence)?;
                message.deferred = true;
                self.deferred.insert(sequence, message);
            }
            Transition::Changed { sequence, changes } => self.change(sequence, changes)?,
            Transition::SessionState { session_id, state } => {
                self.keep_session_state(&session_id, state);
            }
            Transition::DeadLettered {
                sequence,
                delivery_count,
                at,
                reason,
            } => {
                let accepted = self.waiting(sequence)?.accepted;
                self.latest = self.latest.max(Some(at));
                self.dead.push(DeadLetter {
                    accepted: Arc::unwrap_or_clone(accepted),
                    delivery_count,
                    at,
                    reason,
                });
            }
            letter @ (Transition::LetterDeferred { .. }
            | Transition::LetterHandedOut { .. }
            | Transition::LetterCompleted { .. }) => self.replay_letter(&letter)?,
        }
        Ok(())
    }

    fn replay_letter(&mut self, transition: &Transition) -> Result<(), String> {
        match *transition {
            Transition::LetterDeferred { sequence } => {
                let set_aside = self.dead.set_aside(sequence);
                set_aside.ok_or_else(|| no_letter(sequence))
            }
            Transition::LetterHandedOut {
                sequence,
                delivery_count,
            } => {
                let letter = self.dead.letter_mut(sequence);
                letter.ok_or_else(|| no_letter(sequence))?.delivery_count = delivery_count;
                Ok(())
            }
            Transition::LetterCompleted { sequence } => {
                let letter = self.dead.remove(sequence);
                letter.map(drop).ok_or_else(|| no_letter(sequence))
            }
            _ => Ok(()),
        }
    }

    fn waiting(&mut self, sequence: u64) -> Result<Waiting, String> {
        let waiting = self.backlog.remove(sequence);
        let waiting = waiting.or_else(|| self.deferred.remove(&sequence));
        waiting.ok_or_else(|| not_waiting(sequence))
    }

    fn find_mut(&mut self, sequence: u64) -> Option<&mut Waiting> {
        let waiting = self.backlog.get_mut(sequence);
        waiting.or_else(|| self.deferred.get_mut(&sequence))
    }

    fn unplan(&mut self, sequence: u64) -> Result<(), String> {
        let planned = self.schedule.remove(sequence);
        let problem = || format!("expected an earlier line that schedules #{sequence}");
        planned.map(drop).ok_or_else(problem)
    }

    fn change(&mut self, sequence: u64, changes: PropertyChanges) -> Result<(), String> {
        if let Some(waiting) = self.find_mut(sequence) {
            Arc::make_mut(&mut waiting.accepted).message.change(changes);
            return Ok(());
        }
        let letter = self.dead.letter_mut(sequence);
        let letter = letter.ok_or_else(|| not_waiting(sequence))?;
        letter.accepted.message.change(changes);
        Ok(())
    }

    /// The latest time in the journal.
    pub(in crate::queue) fn latest(&self) -> Option<OffsetDateTime> {
        self.latest
    }

    /// Every lock was lost with the process: what was out for the last time is a dead letter.
    pub(in crate::queue) fn locks_are_lost(&mut self, now: OffsetDateTime) {
        let max_delivery_count = self.options.max_delivery_count;
        let used_up = |message: &&Waiting| message.delivery_count >= max_delivery_count;
        let all = self.backlog.iter().chain(self.deferred.values());
        let used_up = all.filter(used_up);
        let used_up: Vec<u64> = used_up.map(|message| message.accepted.sequence).collect();
        for sequence in used_up {
            if let Ok(message) = self.waiting(sequence) {
                self.dead_letter(message, DeadLetterReason::MaxDeliveryCountExceeded, now);
            }
        }
    }

    /// What the queue knows besides its messages.
    pub(in crate::queue) fn headings(&self, now: OffsetDateTime) -> Vec<Heading<'_>> {
        let mut headings = vec![Heading::Highest {
            sequence: self.last_sequence,
            latest: self.latest,
        }];
        let remembered = self.duplicates.iter(now);
        headings.extend(remembered.map(|(id, at)| Heading::Remembered {
            message_id: Cow::Borrowed(id),
            at,
        }));
        headings
    }

    /// The transitions that lead to the messages as they are, but for their locks.
    pub(in crate::queue) fn messages(&self) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let locked = self.locked.values().map(|locked| &locked.message);
        let aside = self.deferred.values();
        for message in self.backlog.iter().chain(aside).chain(locked) {
            transitions.push(Transition::Accepted(Arc::clone(&message.accepted)));
            if message.delivery_count > 0 {
                transitions.push(Transition::Locked {
                    sequence: message.accepted.sequence,
                    delivery_count: message.delivery_count,
                    // It is in no file.
                    lock_token: Uuid::nil(),
                });
            }
            if message.deferred {
                let sequence = message.accepted.sequence;
                transitions.push(Transition::Deferred { sequence });
            }
        }
        let scheduled = self.schedule.iter().cloned();
        transitions.extend(scheduled.map(Transition::Scheduled));
        for letter in self.dead.iter() {
            transitions.push(Transition::Accepted(Arc::new(letter.accepted.clone())));
            transitions.push(Transition::dead_lettered(letter));
        }
        let aside = self.dead.deferred();
        transitions.extend(aside.map(|sequence| Transition::LetterDeferred { sequence }));
        let states = self.session_states.iter();
        transitions.extend(states.map(|(session_id, state)| Transition::SessionState {
            session_id: session_id.clone(),
            state: Some(state.clone()),
        }));
        transitions
    }
}

fn not_waiting(sequence: u64) -> String {
    format!("expected an earlier line that accepts #{sequence}, and none that settles it")
}

fn no_letter(sequence: u64) -> String {
    format!("expected an earlier line that dead-letters #{sequence}, and none that completes it")
}
