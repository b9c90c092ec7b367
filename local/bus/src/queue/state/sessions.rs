//! Sessions: each is held by one receiver at a time, under one lock for all of its messages.

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::session_of;
use super::delivery::Locked;
use crate::queue::message::{Delivery, SessionLock};
use crate::queue::outcome::SessionLost;

impl State {
    /// Locks the session whose message waits longest, among those nobody holds.
    pub(in crate::queue) fn accept_session(&mut self, now: OffsetDateTime) -> Option<SessionLock> {
        self.release_expired_locks(now);
        if self.paused {
            return None;
        }
        let free = |session: &str| !self.sessions.contains_key(session);
        let lock = SessionLock {
            session_id: self.backlog.first_session(free)?.to_owned(),
            token: Uuid::new_v4(),
            locked_until: now + self.options.lock_duration,
        };
        self.sessions.insert(lock.session_id.clone(), lock.clone());
        Some(lock)
    }

    /// Hands out the oldest message of a session that is held; nothing while one is out already.
    pub(in crate::queue) fn receive_in(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<Delivery>, SessionLost> {
        self.release_expired_locks(now);
        let lock = self.held(token)?.clone();
        let mut out = self.locked.values();
        if self.paused || out.any(|locked| locked.is_of(&lock.session_id)) {
            return Ok(None);
        }
        while let Some(waiting) = self.backlog.pop_first_of(&lock.session_id) {
            if let Some(delivery) = self.hand_out(waiting, lock.locked_until, now) {
                return Ok(Some(delivery));
            }
        }
        Ok(None)
    }

    pub(in crate::queue) fn renew_session(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, SessionLost> {
        self.release_expired_locks(now);
        let until = now + self.options.lock_duration;
        let session = self.held(token)?.session_id.clone();
        for locked in self.locked.values_mut() {
            if locked.is_of(&session) {
                locked.until = until;
            }
        }
        if let Some(lock) = self.sessions.get_mut(&session) {
            lock.locked_until = until;
        }
        Ok(until)
    }

    /// Lets go of a session; a lock that has ended already is no matter.
    pub(in crate::queue) fn close_session(&mut self, token: Uuid, now: OffsetDateTime) {
        self.release_expired_locks(now);
        if let Ok(lock) = self.held(token) {
            let session = lock.session_id.clone();
            self.release_session(&session, now);
        }
    }

    pub(super) fn release_expired_sessions(&mut self, now: OffsetDateTime) {
        let held = self.sessions.values();
        let expired: Vec<String> = held
            .filter(|lock| lock.locked_until <= now)
            .map(|lock| lock.session_id.clone())
            .collect();
        for session in expired {
            self.release_session(&session, now);
        }
    }

    /// Ends the sessions that have such a message handed out; returns of how many messages.
    pub(super) fn lose_sessions(
        &mut self,
        is_lost: impl Fn(&Locked) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        let lost = self.locked.values().filter(|locked| is_lost(locked));
        // A session has one message handed out at a time.
        let sessions: Vec<String> = lost
            .map(|locked| session_of(&locked.message.accepted).to_owned())
            .collect();
        for session in &sessions {
            self.release_session(session, now);
        }
        sessions.len()
    }

    /// What the receiver did not settle waits again, and that hand-out is not counted: so says the
    /// broker's documentation of sessions.
    fn release_session(&mut self, session: &str, now: OffsetDateTime) {
        self.sessions.remove(session);
        let unsettled = self.locked.extract_if(|_, locked| locked.is_of(session));
        let unsettled: Vec<Locked> = unsettled.map(|(_, locked)| locked).collect();
        for Locked { mut message, .. } in unsettled {
            message.delivery_count = message.delivery_count.saturating_sub(1);
            self.release(message, now);
        }
    }

    fn held(&self, token: Uuid) -> Result<&SessionLock, SessionLost> {
        let mut held = self.sessions.values();
        held.find(|lock| lock.token == token).ok_or(SessionLost)
    }
}

impl Locked {
    fn is_of(&self, session: &str) -> bool {
        session_of(&self.message.accepted) == session
    }
}
