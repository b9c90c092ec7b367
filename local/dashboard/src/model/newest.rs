//! The newest of many: what a message keeps of its requests, deliveries and log lines.

use std::collections::VecDeque;

use serde::Serialize;

/// How many are kept.
const KEPT: usize = 60;

/// Oldest first.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Newest<T>(VecDeque<T>);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Newest<T> {
    pub(super) fn push(&mut self, one: T) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(one);
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.0.iter_mut()
    }
}
