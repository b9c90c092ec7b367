//! How one session's newest change gets to the bus, however long that takes.

use std::sync::{Arc, PoisonError};

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use super::folder::Turn;
use super::{Change, Shared};
use crate::bus::{Message, SendError};
use crate::session::SessionId;

enum Outcome {
    Published,
    /// By a newer one of its session.
    Superseded,
}

impl Shared {
    /// Runs until nothing of this session waits.
    pub(super) async fn deliver(&self, session: &SessionId) {
        let mut failures = 0;
        while let Some(change) = self.next(session) {
            match self.attempt(&change).await {
                Ok(Outcome::Published) => {
                    info!(%session, message_id = change.message, revision = change.revision, tries = failures + 1, "published");
                    self.taken.notify_waiters();
                }
                Ok(Outcome::Superseded) => {
                    info!(%session, revision = change.revision, "not sent: a newer cart was accepted");
                }
                Err(error) => {
                    failures += 1;
                    self.back_off(session, &change, &error, failures).await;
                    continue;
                }
            }
            self.writer.done(&change);
            if self.forget(&change) {
                return;
            }
            failures = 0;
        }
    }

    /// The newest change, if the session has one to send.
    fn next(&self, session: &SessionId) -> Option<Change> {
        let mut all = self.waiting();
        let waiting = all.get(session)?;
        if !waiting.superseded {
            return Some(waiting.change.clone());
        }
        info!(%session, revision = waiting.change.revision, "not sent: another instance has a newer cart");
        self.writer.done(&waiting.change);
        all.remove(session);
        None
    }

    async fn attempt(&self, change: &Change) -> Result<Outcome, SendError> {
        let hold = *self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = hold {
            sleep_until(until).await;
        }
        // The semaphore is never closed; without a permit the send is late, not wrong.
        let _permit = self.permits.acquire().await.ok();
        match self.turn(change).await? {
            Turn::Never => return Ok(Outcome::Superseded),
            Turn::Later => {
                return Err(SendError::later(
                    "another instance has an older cart of the session in hand",
                ));
            }
            Turn::Now => {}
        }
        let message = Message {
            session: &change.session,
            message_id: &change.message,
            traceparent: &change.traceparent,
            body: change.order.get(),
        };
        self.bus.send(message).await?;
        Ok(Outcome::Published)
    }

    /// Looks into the folder; not on this thread, for it may be far away.
    async fn turn(&self, change: &Change) -> Result<Turn, SendError> {
        let folder = Arc::clone(&self.folder);
        let (session, age) = (change.session.clone(), change.age());
        let looked = spawn_blocking(move || folder.turn(&session, age)).await;
        let looked = looked.unwrap_or_else(|panicked| Err(panicked.into()));
        looked.map_err(|error| SendError::later(format!("outbox folder: {error}")))
    }

    /// Unless a newer one took its place meanwhile. After a yes this task is not the session's any
    /// more: the next change starts another.
    fn forget(&self, change: &Change) -> bool {
        let mut all = self.waiting();
        let same = |waiting: &super::Waiting| waiting.change.message == change.message;
        let was_newest = all.get(&change.session).is_some_and(same);
        if was_newest {
            all.remove(&change.session);
        }
        was_newest
    }

    /// Throttling concerns everyone who sends.
    fn hold_until(&self, until: Instant) {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        *hold = Some(hold.map_or(until, |held| held.max(until)));
    }

    async fn back_off(
        &self,
        session: &SessionId,
        change: &Change,
        problem: &SendError,
        failures: u32,
    ) {
        let message_id = &change.message;
        match problem {
            SendError::Refused(_) => {
                error!(%session, message_id, failures, %problem, "not published, waits for a person");
                sleep(self.pace.refused).await;
            }
            SendError::Later {
                retry_after: Some(wait),
                ..
            } => {
                warn!(%session, message_id, failures, %problem, ?wait, "not published yet, as the bus asks");
                let until = Instant::now() + *wait;
                self.hold_until(until);
                sleep_until(until).await;
            }
            SendError::Later {
                retry_after: None, ..
            } => {
                if failures.is_power_of_two() {
                    warn!(%session, message_id, failures, %problem, "not published yet");
                } else {
                    debug!(%session, message_id, failures, %problem, "not published yet");
                }
                // One message that never goes must not be tried with every other that does.
                sleep(self.pace.base).await;
                // Either way it is time to try again.
                timeout(self.pace.wait(failures), self.taken.notified())
                    .await
                    .ok();
            }
        }
    }
}
