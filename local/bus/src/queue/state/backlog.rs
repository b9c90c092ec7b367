//! The messages that wait, in the order of their numbers; on a queue with sessions also by session.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;

use crate::queue::message::Accepted;
use crate::queue::outcome::{MessageState, Peeked};

/// A message with its hand-outs so far.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) accepted: Arc<Accepted>,
    pub(super) delivery_count: u32,
    /// It was set aside once: whoever gives it back does not put it among those that wait.
    pub(super) deferred: bool,
}

impl Waiting {
    pub(super) fn new(accepted: Arc<Accepted>) -> Self {
        Self {
            accepted,
            delivery_count: 0,
            deferred: false,
        }
    }
}

impl Waiting {
    pub(super) fn peeked(&self, locked_until: Option<OffsetDateTime>) -> Peeked {
        let state = if self.deferred {
            MessageState::Deferred
        } else {
            MessageState::Active
        };
        Peeked {
            accepted: Accepted::clone(&self.accepted),
            state,
            delivery_count: self.delivery_count,
            locked_until,
        }
    }
}

#[derive(Debug)]
pub(super) struct Backlog {
    /// By sequence number: an abandoned message is the first again, in front of everything that
    /// came later.
    messages: BTreeMap<u64, Waiting>,
    sessions: Option<HashMap<String, BTreeSet<u64>>>,
}

impl Backlog {
    pub(super) fn new(sessions: bool) -> Self {
        Self {
            messages: BTreeMap::new(),
            sessions: sessions.then(HashMap::new),
        }
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        let sequence = waiting.accepted.sequence;
        if let Some(sessions) = &mut self.sessions {
            let session = session_of(&waiting.accepted).to_owned();
            sessions.entry(session).or_default().insert(sequence);
        }
        self.messages.insert(sequence, waiting);
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<Waiting> {
        let waiting = self.messages.remove(&sequence)?;
        if let Some(sessions) = &mut self.sessions {
            let session = session_of(&waiting.accepted);
            if let Some(numbers) = sessions.get_mut(session) {
                numbers.remove(&sequence);
                if numbers.is_empty() {
                    sessions.remove(session);
                }
            }
        }
        Some(waiting)
    }

    pub(super) fn pop_first(&mut self) -> Option<Waiting> {
        let (sequence, _) = self.messages.first_key_value()?;
        self.remove(*sequence)
    }

    /// The oldest of one session.
    pub(super) fn pop_first_of(&mut self, session: &str) -> Option<Waiting> {
        let sequence = *self.sessions.as_ref()?.get(session)?.first()?;
        self.remove(sequence)
    }

    /// The session whose message waits longest, among those that `is_free` allows.
    pub(super) fn first_session(&self, is_free: impl Fn(&str) -> bool) -> Option<&str> {
        let sessions = self.sessions.as_ref()?.iter();
        sessions
            .filter(|(session, _)| is_free(session))
            .min_by_key(|(_, numbers)| numbers.first())
            .map(|(session, _)| session.as_str())
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Waiting> {
        self.messages.get(&sequence)
    }

    pub(super) fn get_mut(&mut self, sequence: u64) -> Option<&mut Waiting> {
        self.messages.get_mut(&sequence)
    }

    /// Those with this number or a higher one, oldest first.
    pub(super) fn from(&self, number: u64) -> impl Iterator<Item = &Waiting> {
        self.messages.range(number..).map(|(_, waiting)| waiting)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.messages.values()
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }
}

/// A message without a session can only come from a journal of the time before the queue had
/// sessions: such messages are one session, so that they are delivered all the same.
pub(super) fn session_of(accepted: &Accepted) -> &str {
    let properties = &accepted.message.properties;
    properties.session_id.as_deref().unwrap_or_default()
}
