//! Waits for an upload that has taken effect, and keeps its answer back until whoever sent it is dead.

use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use blob::{BlobHandle, HeldUpload};

/// An upload is waited for so long; in the midst of other faults there may be none.
const HELD_WITHIN: Duration = Duration::from_secs(2);

/// A killed process is gone by then.
const KILLED_WITHIN: Duration = Duration::from_millis(300);

/// At most one at a time.
#[derive(Debug, Default)]
pub(super) struct Ambush {
    armed: Option<(oneshot::Receiver<HeldUpload>, Instant)>,
    unanswered: Option<(HeldUpload, Instant)>,
}

impl Ambush {
    /// The next upload walks into it.
    pub(super) fn lay(&mut self, storage: &BlobHandle, now: Instant) {
        self.armed = Some((storage.hold_next_upload(), now + HELD_WITHIN));
    }

    /// Whether an upload is in it since just now.
    pub(super) fn springs(&mut self, now: Instant) -> bool {
        self.unanswered.take_if(|(_, until)| *until <= now);
        let Some((held, until)) = &mut self.armed else {
            return false;
        };
        match held.try_recv() {
            Ok(upload) => {
                self.unanswered = Some((upload, now + KILLED_WITHIN));
                self.armed = None;
                true
            }
            Err(TryRecvError::Empty) if *until > now => false,
            Err(_) => {
                self.armed = None;
                false
            }
        }
    }
}
