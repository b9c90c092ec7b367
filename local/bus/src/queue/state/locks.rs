//! The messages that are handed out, by their lock tokens and by the ends of their locks.

use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

use super::backlog::{Waiting, session_of};
use crate::queue::outcome::{Holder, Peeked};

/// A message that is handed out; on a queue with sessions `until` follows the session's lock.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) message: Waiting,
    pub(super) until: OffsetDateTime,
    pub(super) since: OffsetDateTime,
    pub(super) by: Holder,
}

impl Locked {
    pub(super) fn peeked(&self) -> Peeked {
        self.message.peeked(Some(self.until))
    }

    pub(super) fn is_of(&self, session: &str) -> bool {
        session_of(&self.message.accepted) == session
    }
}

#[derive(Debug, Default)]
pub(super) struct Locks {
    by_token: HashMap<Uuid, Locked>,
    /// So that no change has to look at all locks for those that have ended.
    ends: BTreeSet<(OffsetDateTime, Uuid)>,
}

impl Locks {
    pub(super) fn insert(&mut self, token: Uuid, locked: Locked) {
        self.ends.insert((locked.until, token));
        self.by_token.insert(token, locked);
    }

    pub(super) fn remove(&mut self, token: Uuid) -> Option<Locked> {
        let locked = self.by_token.remove(&token)?;
        self.ends.remove(&(locked.until, token));
        Some(locked)
    }

    pub(super) fn get(&self, token: Uuid) -> Option<&Locked> {
        self.by_token.get(&token)
    }

    pub(super) fn extend(&mut self, token: Uuid, until: OffsetDateTime) {
        if let Some(locked) = self.by_token.get_mut(&token) {
            self.ends.remove(&(locked.until, token));
            locked.until = until;
            self.ends.insert((until, token));
        }
    }

    /// Those of which `is_meant` is true, in the order of their numbers: so they are given back.
    pub(super) fn tokens_of(&self, is_meant: impl Fn(&Locked) -> bool) -> Vec<Uuid> {
        let meant = self.by_token.iter().filter(|(_, locked)| is_meant(locked));
        let mut meant: Vec<_> = meant
            .map(|(token, locked)| (locked.message.accepted.sequence, *token))
            .collect();
        meant.sort_unstable();
        meant.into_iter().map(|(_, token)| token).collect()
    }

    /// Takes one whose lock has ended by then.
    pub(super) fn pop_ended(&mut self, now: OffsetDateTime) -> Option<Locked> {
        let (until, token) = *self.ends.first()?;
        (until <= now).then(|| self.remove(token))?
    }

    pub(super) fn first_end(&self) -> Option<OffsetDateTime> {
        self.ends.first().map(|(until, _)| *until)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Locked> {
        self.by_token.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_token.len()
    }
}
