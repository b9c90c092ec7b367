//! Duplicate detection: which message ids the queue has seen within its window.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

/// The message ids of the last `window`.
#[derive(Debug)]
pub(super) struct Duplicates {
    window: Duration,
    /// When each id was accepted last.
    seen: HashMap<String, OffsetDateTime>,
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

    /// Whether a message with this id was accepted within the window.
    pub(super) fn knows(&self, id: &str, now: OffsetDateTime) -> bool {
        self.seen.get(id).is_some_and(|at| now < *at + self.window)
    }

    /// Remembers an accepted message, and forgets those whose window ended by then. A duplicate is
    /// not remembered: it does not extend the window.
    pub(super) fn remember(&mut self, id: &str, at: OffsetDateTime) {
        self.forget(at);
        // A journal can tell of an earlier message with the same id later.
        if self.seen.get(id).is_none_or(|known| *known < at) {
            self.seen.insert(id.to_owned(), at);
            self.order.push_back((at, id.to_owned()));
        }
    }

    /// The ids of the window and when each was accepted, in that order.
    pub(super) fn iter(&self, now: OffsetDateTime) -> impl Iterator<Item = (&str, OffsetDateTime)> {
        let known = self
            .order
            .iter()
            .filter(move |(at, id)| self.seen.get(id) == Some(at) && now < *at + self.window);
        known.map(|(at, id)| (id.as_str(), *at))
    }

    fn forget(&mut self, now: OffsetDateTime) {
        let window = self.window;
        while let Some((at, id)) = self.order.pop_front_if(|(at, _)| *at + window <= now) {
            if self.seen.get(&id) == Some(&at) {
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
        duplicates.remember("a", START);
        assert!(duplicates.knows("a", after(599)));
        assert!(!duplicates.knows("b", after(599)));
        duplicates.remember("b", after(599));
        assert!(!duplicates.knows("a", after(600)));
        duplicates.remember("a", after(600));
        assert_eq!(duplicates.order.len(), 2, "the first a is forgotten");
        assert!(duplicates.knows("b", after(600)) && duplicates.knows("a", after(1199)));
    }

    #[test]
    fn an_earlier_acceptance_told_later_changes_nothing() {
        let mut duplicates = Duplicates::new(Duration::from_secs(600));
        duplicates.remember("a", after(700));
        duplicates.remember("a", START);
        assert!(duplicates.knows("a", after(1299)));
        let all: Vec<_> = duplicates.iter(after(1299)).collect();
        assert_eq!(all, [("a", after(700))]);
        assert_eq!(duplicates.iter(after(1300)).count(), 0);
    }
}
