//! Duplicate detection: which message ids the queue has seen within its window.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use time::OffsetDateTime;

/// The message that an id came with first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    pub(super) sequence: u64,
    body: u64,
}

impl First {
    pub(super) fn new(sequence: u64, body: &[u8]) -> Self {
        let body = hash(body);
        Self { sequence, body }
    }

    /// Whether it had this body: then its publisher sent it again, as one should that got no
    /// answer. Else the publisher used an id twice, and what it sent last is lost.
    pub(super) fn had(self, body: &[u8]) -> bool {
        self.body == hash(body)
    }
}

/// Tells bodies apart for a person, and decides nothing.
fn hash(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

/// The message ids of the last `window`.
#[derive(Debug)]
pub(super) struct Duplicates {
    window: Duration,
    /// When each id was accepted last, and with which message; a journal that was written anew
    /// knows of the id alone.
    seen: HashMap<String, (OffsetDateTime, Option<First>)>,
    /// In order of acceptance, so the ids to forget are at the front.
    order: VecDeque<(OffsetDateTime, String)>,
}

impl Duplicates {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            seen: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether a message with this id was accepted within the window, and which, if that is known.
    pub(super) fn find(&self, id: &str, now: OffsetDateTime) -> Option<Option<First>> {
        let (at, first) = self.seen.get(id)?;
        (now < *at + self.window).then_some(*first)
    }

    /// Remembers an accepted message, and forgets those whose window ended by then. A duplicate is
    /// not remembered: it does not extend the window.
    pub(super) fn remember(&mut self, id: &str, at: OffsetDateTime, first: Option<First>) {
        self.forget(at);
        // A journal can tell of an earlier message with the same id later.
        if self.seen.get(id).is_none_or(|(known, _)| *known < at) {
            self.seen.insert(id.to_owned(), (at, first));
            self.order.push_back((at, id.to_owned()));
        }
    }

    /// The ids of the window and when each was accepted, in that order.
    pub(super) fn iter(&self, now: OffsetDateTime) -> impl Iterator<Item = (&str, OffsetDateTime)> {
        let known = self
            .order
            .iter()
            .filter(move |(at, id)| self.accepted(id) == Some(*at) && now < *at + self.window);
        known.map(|(at, id)| (id.as_str(), *at))
    }

    fn accepted(&self, id: &str) -> Option<OffsetDateTime> {
        self.seen.get(id).map(|(at, _)| *at)
    }

    fn forget(&mut self, now: OffsetDateTime) {
        let window = self.window;
        while let Some((at, id)) = self.order.pop_front_if(|(at, _)| *at + window <= now) {
            if self.accepted(&id) == Some(at) {
                self.seen.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-05-04 09:30 UTC);

    fn after(seconds: u64) -> OffsetDateTime {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn an_id_is_new_again_when_the_window_has_passed() {
        let mut duplicates = Duplicates::new(Duration::from_secs(600));
        duplicates.remember("a", START, None);
        assert!(duplicates.find("a", after(599)).is_some());
        assert!(duplicates.find("b", after(599)).is_none());
        duplicates.remember("b", after(599), None);
        assert!(duplicates.find("a", after(600)).is_none());
        duplicates.remember("a", after(600), None);
        assert_eq!(duplicates.order.len(), 2, "the first a is forgotten");
        assert!(
            duplicates.find("b", after(600)).is_some()
                && duplicates.find("a", after(1199)).is_some()
        );
    }

    #[test]
    fn an_earlier_acceptance_told_later_changes_nothing() {
        let mut duplicates = Duplicates::new(Duration::from_secs(600));
        duplicates.remember("a", after(700), None);
        duplicates.remember("a", START, None);
        assert!(duplicates.find("a", after(1299)).is_some());
        let all: Vec<_> = duplicates.iter(after(1299)).collect();
        assert_eq!(all, [("a", after(700))]);
        assert_eq!(duplicates.iter(after(1300)).count(), 0);
    }
}
