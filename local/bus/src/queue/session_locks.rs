//! Sessions: a receiver holds one at a time, and is handed that session's messages one after
//! another.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use super::amqp_form::AmqpBytes;
use super::message::{Delivery, SessionLock};
use super::outcome::{HeldSession, Holder, SessionHeld, SessionLost};
use super::state::Taker;
use super::{Queue, State};

impl Queue {
    /// Waits for a session that has a message and that nobody holds, and locks it.
    ///
    /// On a queue without sessions it waits for ever.
    pub async fn accept_session(&self) -> SessionLock {
        self.until(|| self.try_accept_session_by(Holder::InProcess))
            .await
    }

    pub(crate) fn try_accept_session_by(&self, by: Holder) -> Option<SessionLock> {
        let lock = self
            .shared
            .change(|state, now| state.accept_session(by, now))?;
        // It is no transition, and yet a receiver that waits must learn when this lock ends.
        self.shared.wake();
        Some(lock)
    }

    /// Locks a session by its name, whether it has messages or not.
    ///
    /// # Errors
    /// [`SessionHeld`] when another receiver has it.
    pub fn accept_named_session(&self, session: &str) -> Result<SessionLock, SessionHeld> {
        self.accept_named_session_by(session, Holder::InProcess)
    }

    pub(crate) fn accept_named_session_by(
        &self,
        session: &str,
        by: Holder,
    ) -> Result<SessionLock, SessionHeld> {
        let lock = self
            .shared
            .change(|state, now| state.accept_named_session(session, by, now))?;
        self.shared.wake();
        Ok(lock)
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
        let taker = Taker::locking(Holder::InProcess);
        let receive = || {
            let received = self
                .shared
                .change(|state, now| state.receive_in(session, taker, now));
            received.transpose()
        };
        match timeout(patience, self.until(receive)).await {
            Ok(received) => received.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Locks the next message of a session that waits, whatever is out already; nothing when none
    /// waits.
    ///
    /// # Errors
    /// [`SessionLost`] when the session's lock has ended.
    pub fn try_receive_in_session(&self, session: Uuid) -> Result<Option<Delivery>, SessionLost> {
        self.try_receive_in_session_by(session, Taker::locking(Holder::InProcess))
    }

    pub(crate) fn try_receive_in_session_by(
        &self,
        session: Uuid,
        taker: Taker,
    ) -> Result<Option<Delivery>, SessionLost> {
        self.shared
            .change(|state, now| state.receive_more_in(session, taker, now))
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
        self.shared.wake();
    }

    /// Whether the session is still held under this token.
    #[cfg(feature = "amqp")]
    pub(crate) fn holds_session(&self, session: Uuid) -> bool {
        self.shared.change(|state, now| {
            state.pass_time(now);
            state.held(session).is_ok()
        })
    }

    /// What receivers of the session have left with it.
    ///
    /// # Errors
    /// [`SessionLost`] when its lock has ended.
    pub fn session_state(&self, session: Uuid) -> Result<Option<AmqpBytes>, SessionLost> {
        self.shared
            .change(|state, now| state.session_state(session, now))
    }

    /// Leaves something with the session for its next receivers, or clears it.
    ///
    /// # Errors
    /// [`SessionLost`] when its lock has ended.
    pub fn set_session_state(
        &self,
        session: Uuid,
        left: Option<AmqpBytes>,
    ) -> Result<(), SessionLost> {
        self.shared
            .change(|state, now| state.set_session_state(session, left, now))
    }

    /// The sessions that have messages or a state, by name.
    #[must_use]
    pub fn session_names(&self) -> BTreeSet<String> {
        self.shared.look(State::session_names)
    }

    /// Who holds which session since when.
    #[must_use]
    pub fn held_sessions(&self) -> Vec<HeldSession> {
        self.shared.look(State::held_sessions)
    }

    /// Ends the lock of a session, as a network does to a receiver that cannot renew in time; says
    /// whether somebody held it.
    pub fn lose_session(&self, session: &str) -> bool {
        let was_held = self
            .shared
            .change(|state, now| state.lose_session(session, now));
        self.shared.wake();
        was_held
    }

    /// From now on nobody gets this session, as if another receiver held it; or everybody may
    /// again. Who holds it keeps it.
    pub fn refuse_session(&self, session: &str, refused: bool) {
        self.shared
            .change(|state, _| state.refuse_session(session, refused));
        self.shared.wake();
    }

    /// The sessions that nobody gets.
    #[must_use]
    pub fn refused_sessions(&self) -> Vec<String> {
        self.shared.look(State::refused_sessions)
    }
}
