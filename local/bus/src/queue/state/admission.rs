//! The way in: what a send is judged by, and what an accepted message gets.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use crate::queue::backlog::Waiting;
use crate::queue::journal::Entry;
use crate::queue::message::{Accepted, Message};
use crate::queue::transition::Transition;
use crate::queue::{Enqueued, SendRefused};

/// What becomes of a message once it is accepted.
#[derive(Debug)]
pub(in crate::queue) enum Admitted {
    New(Arc<Accepted>),
    Duplicate { message_id: String },
}

impl Admitted {
    /// What the journal says of it.
    pub(in crate::queue) fn entry(&self) -> Option<Entry<'_>> {
        match self {
            Self::New(accepted) => Some(Entry::Accepted(Cow::Borrowed(accepted))),
            Self::Duplicate { .. } => None,
        }
    }
}

impl State {
    /// Judges the messages of one send. Nothing changes before [`State::accept`]: a journal is written in between.
    pub(in crate::queue) fn admit(
        &self,
        messages: Vec<Message>,
        now: OffsetDateTime,
    ) -> Result<Vec<Admitted>, SendRefused> {
        let mut admitted = Vec::with_capacity(messages.len());
        let mut ids = HashSet::new();
        let mut sequence = self.last_sequence;
        for mut message in messages {
            if self.options.sessions && message.properties.session_id.is_none() {
                return Err(SendRefused::NoSession);
            }
            let new_id = || Uuid::new_v4().simple().to_string();
            let id = message.properties.message_id.get_or_insert_with(new_id);
            let message_id = id.clone();
            if self.duplicates.knows(id, now) || !ids.insert(message_id.clone()) {
                admitted.push(Admitted::Duplicate { message_id });
                continue;
            }
            sequence += 1;
            admitted.push(Admitted::New(Arc::new(
                self.stamped(message, sequence, now),
            )));
        }
        Ok(admitted)
    }

    fn stamped(&self, message: Message, sequence: u64, now: OffsetDateTime) -> Accepted {
        let asked = message.properties.time_to_live.unwrap_or(f64::INFINITY);
        let time_to_live = asked.min(self.options.time_to_live.as_secs_f64()).max(0.0);
        Accepted {
            sequence,
            enqueued: now,
            expires: now + time::Duration::seconds_f64(time_to_live),
            message,
        }
    }

    /// Takes the messages of one send.
    pub(in crate::queue) fn accept(&mut self, admitted: Vec<Admitted>) -> Vec<Enqueued> {
        let each = admitted.into_iter().map(|admitted| match admitted {
            Admitted::New(accepted) => {
                self.take(Accepted::clone(&accepted));
                let sequence = accepted.sequence;
                self.transitions.push(Transition::Accepted(accepted));
                Enqueued::Accepted { sequence }
            }
            Admitted::Duplicate { message_id } => {
                self.transitions.push(Transition::Duplicate { message_id });
                Enqueued::Duplicate
            }
        });
        each.collect()
    }

    pub(super) fn take(&mut self, accepted: Accepted) {
        self.number(&accepted);
        if let Some(id) = &accepted.message.properties.message_id {
            self.duplicates.remember(id, accepted.enqueued);
        }
        self.active.insert(Waiting {
            accepted,
            deliveries: 0,
        });
    }
}
