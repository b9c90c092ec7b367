//! The stack's one notion of time: UTC that never goes back.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

/// A UTC clock that is read off the monotonic one, so a paused tokio clock pauses it too.
///
/// It must not follow a wall clock that is set back: the blob guard trusts that a higher sequence
/// number was not enqueued earlier.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: OffsetDateTime,
    started: Instant,
}

impl Clock {
    /// A clock that agrees with the wall clock now.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(OffsetDateTime::now_utc())
    }

    /// A clock that shows `origin` now: for tests.
    #[must_use]
    pub fn starting_at(origin: OffsetDateTime) -> Self {
        Self {
            origin,
            started: Instant::now(),
        }
    }

    /// The same clock, set forward when it shows a time before `time`.
    #[must_use]
    pub fn not_before(self, time: OffsetDateTime) -> Self {
        let behind = (time - self.now()).max(time::Duration::ZERO);
        Self {
            origin: self.origin + behind,
            ..self
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.origin + self.started.elapsed()
    }

    /// Sleeps until this clock shows `time`; returns at once when it already does.
    pub async fn sleep_until(&self, time: OffsetDateTime) {
        let wait = time - self.now();
        tokio::time::sleep(Duration::try_from(wait).unwrap_or(Duration::ZERO)).await;
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
