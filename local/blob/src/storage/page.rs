//! Listing in pages: a prefix, a marker to go on from, and a limit.

use std::collections::BTreeMap;

/// What the service lists at most in one answer.
const PAGE_MAX: usize = 5_000;

/// Which names a listing wants.
#[derive(Debug, Clone)]
pub(crate) struct NameRange {
    /// Only names that begin so.
    pub(crate) prefix: String,
    /// The first name to list, from the page before; empty for the first page.
    pub(crate) marker: String,
    /// How many names at most.
    pub(crate) limit: usize,
}

/// One page, in the order of the names.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The names and what they stand for.
    pub(crate) entries: Vec<(String, T)>,
    /// The marker of the next page; empty when this is the last one.
    pub(crate) next: String,
}

impl NameRange {
    pub(crate) fn new(prefix: String, marker: String, limit: Option<usize>) -> Self {
        Self {
            prefix,
            marker,
            limit: limit.unwrap_or(PAGE_MAX).min(PAGE_MAX),
        }
    }

    pub(super) fn page<V, T>(&self, all: &BTreeMap<String, V>, view: impl Fn(&V) -> T) -> Page<T> {
        let first = self.prefix.clone().max(self.marker.clone());
        let mut names = all
            .range(first..)
            .take_while(|(name, _)| name.starts_with(&self.prefix));
        let entries = names
            .by_ref()
            .take(self.limit)
            .map(|(name, value)| (name.clone(), view(value)))
            .collect();
        let next = names.next().map(|(name, _)| name.clone());
        Page {
            entries,
            next: next.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(prefix: &str, marker: &str, limit: usize) -> (Vec<String>, String) {
        let all = ["a", "b/1", "b/2", "b/3", "c"].map(|name| (name.to_owned(), ()));
        let range = NameRange::new(prefix.to_owned(), marker.to_owned(), Some(limit));
        let page = range.page(&BTreeMap::from(all), |()| ());
        let names = page.entries.into_iter().map(|(name, ())| name).collect();
        (names, page.next)
    }

    #[test]
    fn pages_follow_one_another_and_stay_within_the_prefix() {
        let page = |names: &[&str], next: &str| {
            let names = names.iter().map(|&n| n.to_owned()).collect();
            (names, next.to_owned())
        };
        assert_eq!(names("", "", 9), page(&["a", "b/1", "b/2", "b/3", "c"], ""));
        assert_eq!(names("b/", "", 2), page(&["b/1", "b/2"], "b/3"));
        assert_eq!(names("b/", "b/3", 2), page(&["b/3"], ""));
        assert_eq!(names("x", "", 2), page(&[], ""));
    }
}
