//! What the outbox says of itself.

use std::time::Duration;

use tokio::time::sleep;

use super::Outbox;
use super::change::milliseconds_now;
use crate::session::SessionId;

/// How long a page may wait for the bus, in milliseconds after the change: not to be noticed.
const MOMENT: i64 = 150;

/// A change is not accepted, so the cart must not change either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// As many sessions wait as may.
    #[error("the outbox is full")]
    Full,
    /// The disk refuses.
    #[error("the outbox cannot be written")]
    Disk,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Sessions with a change that the bus does not have yet.
    pub pending: usize,
    /// Age of the oldest of these changes.
    pub oldest: Duration,
}

impl Outbox {
    /// Whether a change of this session still waits here. One that was just made gets a moment:
    /// mostly the bus has it before the shopper's browser asks again.
    pub async fn is_still_pending(&self, session: &SessionId) -> bool {
        loop {
            let accepted = match self.0.waiting().get(session) {
                None => return false,
                Some(waiting) => waiting.change.accepted,
            };
            if milliseconds_now() - accepted > MOMENT {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// How much waits.
    #[must_use]
    pub fn status(&self) -> Status {
        let waiting = self.0.waiting();
        let oldest = waiting
            .values()
            .map(|waiting| waiting.change.accepted)
            .min();
        let age = oldest.map_or(0, |oldest| (milliseconds_now() - oldest).max(0));
        Status {
            pending: waiting.len(),
            oldest: Duration::from_millis(age.unsigned_abs()),
        }
    }
}
