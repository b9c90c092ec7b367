//! The place where a session's next cart waits: a newer one takes the place of an older one.

use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Notify;

use super::message::Poison;

/// A message that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// Since when.
    pub(super) at: OffsetDateTime,
    /// What is wrong with it; nothing with a cart.
    pub(super) poison: Option<Poison>,
}

impl Due {
    pub(super) fn cart(at: OffsetDateTime) -> Self {
        Self { at, poison: None }
    }
}

/// Holds one message at most.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    due: Mutex<Option<Due>>,
    filled: Notify,
}

impl Slot {
    /// A cart that is due now. True when it replaces one that still waits.
    pub(super) fn fill(&self, at: OffsetDateTime) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = waiting.is_some();
        // The shopper has waited since the first of them.
        waiting.get_or_insert(Due::cart(at));
        self.filled.notify_one();
        replaces
    }

    /// What is due now, unless something waits.
    pub(super) fn fill_if_empty(&self, due: Due) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_some() {
            return false;
        }
        *waiting = Some(due);
        self.filled.notify_one();
        true
    }

    /// What waits.
    pub(super) fn take(&self) -> Option<Due> {
        self.due
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Waits until something may wait.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }
}
