//! The state, and the journal that keeps it: which of the two goes first.
//!
//! A send is in the journal before it is in the state: what cannot be written is refused. Everything later is in the
//! state first: what cannot be written then is owed to the journal, and at worst delivered again.

use time::OffsetDateTime;

use super::journal::{Entry, Journal};
use super::message::{DeadDelivery, Message};
use super::state::{Admitted, State};
use super::{Enqueued, SendRefused};

/// The state, and where it is written down.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) state: State,
    journal: Option<Journal>,
    // Told once, until the journal can be written again.
    in_trouble: bool,
}

impl Kept {
    pub(super) fn new(state: State, journal: Option<Journal>) -> Self {
        Self {
            state,
            journal,
            in_trouble: false,
        }
    }

    /// Accepts the messages of one send, all or none.
    pub(super) fn send(
        &mut self,
        messages: Vec<Message>,
        now: OffsetDateTime,
    ) -> Result<Vec<Enqueued>, SendRefused> {
        let admitted = self.state.admit(messages, now)?;
        self.write(&admitted)?;
        Ok(self.state.accept(admitted))
    }

    fn write(&mut self, admitted: &[Admitted]) -> Result<(), SendRefused> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let new = admitted.iter().filter_map(Admitted::entry);
        let written = journal.append(new);
        written.map_err(|error| SendRefused::NotKept(journal.cannot(&error)))
    }

    /// Writes down what has changed already; returns what a person should know.
    pub(super) fn note(&mut self, now: OffsetDateTime) -> Option<String> {
        let journal = self.journal.as_mut()?;
        let noted = journal.note(self.state.transitions().iter().filter_map(Entry::of));
        let compacted = noted.and_then(|()| {
            if journal.is_worth_compacting(self.state.len()) {
                journal.compact(&self.state.entries(now))
            } else {
                Ok(())
            }
        });
        let known = std::mem::replace(&mut self.in_trouble, compacted.is_err());
        let error = compacted.err().filter(|_| !known)?;
        Some(format!(
            "{}; what was settled meanwhile may be delivered again",
            journal.cannot(&error)
        ))
    }

    /// Hands out a dead letter, if one is free. That is no transition, but the journal counts it.
    pub(super) fn hand_out_letter(&mut self, now: OffsetDateTime) -> Option<DeadDelivery> {
        let lock_duration = self.state.options.lock_duration;
        let delivery = self.state.dead.receive(lock_duration, now)?;
        if let Some(journal) = &mut self.journal {
            let entry = Entry::LetterHandedOut {
                sequence: delivery.letter.accepted.sequence,
                delivery_count: delivery.letter.delivery_count,
            };
            // What fails is owed, and told with the next transition.
            journal.note([entry]).ok();
        }
        Some(delivery)
    }
}
