//! Duplicate detection: which message ids the queue has seen within its window.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

/// The message ids of the last `window`.
#[derive(Debug)]
pub(super) struct Duplicates {
    window: Duration,
    seen: HashSet<String>,
    // In order of acceptance, so the ids to forget are at the front.
    expiry: VecDeque<(OffsetDateTime, String)>,
}

impl Duplicates {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            seen: HashSet::new(),
            expiry: VecDeque::new(),
        }
    }

    /// True when `id` is new; it is remembered from now on. A duplicate does not extend the window.
    pub(super) fn admit(&mut self, id: &str, now: OffsetDateTime) -> bool {
        self.forget(now);
        let new = self.seen.insert(id.to_owned());
        if new {
            self.expiry.push_back((now + self.window, id.to_owned()));
        }
        new
    }

    fn forget(&mut self, now: OffsetDateTime) {
        while let Some((_, id)) = self.expiry.pop_front_if(|(end, _)| *end <= now) {
            self.seen.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_id_is_new_again_when_the_window_has_passed() {
        let mut duplicates = Duplicates::new(Duration::from_secs(600));
        let start = datetime!(2026-05-04 09:30 UTC);
        assert!(duplicates.admit("a", start));
        assert!(!duplicates.admit("a", start + Duration::from_secs(599)));
        assert!(duplicates.admit("b", start + Duration::from_secs(599)));
        assert!(
            duplicates.admit("a", start + Duration::from_secs(600)),
            "a duplicate does not extend the window"
        );
        assert!(!duplicates.admit("b", start + Duration::from_secs(600)));
    }
}
