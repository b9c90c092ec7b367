//! The place where a session's next cart waits: a newer one takes the place of an older one.

use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Notify;

/// Holds the moment at which the next cart was due.
#[derive(Debug, Default)]
pub(in crate::load) struct Slot {
    due: Mutex<Option<OffsetDateTime>>,
    filled: Notify,
}

impl Slot {
    /// A cart that is due now. True when it replaces one that still waits.
    pub(super) fn fill(&self, due: OffsetDateTime) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = waiting.is_some();
        // The shopper has waited since the first of them.
        waiting.get_or_insert(due);
        self.filled.notify_one();
        replaces
    }

    /// A cart that is due now, unless one waits.
    pub(super) fn fill_if_empty(&self, due: OffsetDateTime) -> bool {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_some() {
            return false;
        }
        *waiting = Some(due);
        self.filled.notify_one();
        true
    }

    /// What waits.
    pub(super) fn take(&self) -> Option<OffsetDateTime> {
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
