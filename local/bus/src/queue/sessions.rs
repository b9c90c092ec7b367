//! A receiver of sessions: it holds one session at a time, and is handed that session's messages one after another.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use super::state::State;
use super::{Delivery, Queue, SessionLost};

/// One receiver's hold on one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLock {
    /// The session.
    pub session_id: String,
    /// Stands for this hold and no other.
    pub token: Uuid,
    /// When the hold ends, unless it is renewed.
    pub locked_until: OffsetDateTime,
}

impl Queue {
    /// Waits for a session that has a message and that nobody holds, and locks it.
    ///
    /// On a queue without sessions it waits for ever.
    pub async fn accept_session(&self) -> SessionLock {
        let next_expiry = |state: &State, _| state.next_lock_expiry();
        let accept = || self.shared.change(State::accept_session);
        let lock = self.shared.until(accept, next_expiry).await;
        // A receiver that waits must learn when this lock ends.
        self.shared.news.wake();
        lock
    }

    /// Waits for the next message of a session, for `patience` at most; nothing when none came.
    ///
    /// # Errors
    /// [`SessionLost`] when the session's lock has ended.
    pub async fn receive_in_session(
        &self,
        session: Uuid,
        patience: Duration,
    ) -> Result<Option<Delivery>, SessionLost> {
        let next_expiry = |state: &State, _| state.next_lock_expiry();
        let receive = || {
            let received = self
                .shared
                .change(|state, now| state.receive_in(session, now));
            received.transpose()
        };
        match timeout(patience, self.shared.until(receive, next_expiry)).await {
            Ok(received) => received.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Extends a session's lock by the queue's lock duration; returns when it ends now.
    ///
    /// # Errors
    /// [`SessionLost`] when it has ended.
    pub fn renew_session(&self, session: Uuid) -> Result<OffsetDateTime, SessionLost> {
        self.shared
            .change(|state, now| state.renew_session(session, now))
    }

    /// Lets go of a session: another receiver may take it at once.
    pub fn close_session(&self, session: Uuid) {
        self.shared
            .change(|state, now| state.close_session(session, now));
        self.shared.news.wake();
    }
}
