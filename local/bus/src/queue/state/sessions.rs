//! Sessions: each is held by one receiver at a time, under one lock for all of its messages.

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use crate::queue::backlog::session_of;
use crate::queue::message::Delivery;
use crate::queue::{SessionLock, SessionLost};

impl State {
    /// Locks the session whose message waits longest, among those nobody holds.
    pub(in crate::queue) fn accept_session(&mut self, now: OffsetDateTime) -> Option<SessionLock> {
        self.release_expired_locks(now);
        let free = |session: &str| !self.sessions.contains_key(session);
        let lock = SessionLock {
            session_id: self.active.first_session(free)?.to_owned(),
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
        if out.any(|delivery| session_of(&delivery.accepted) == lock.session_id) {
            return Ok(None);
        }
        while let Some(waiting) = self.active.pop_first_of(&lock.session_id) {
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
        for delivery in self.locked.values_mut() {
            if session_of(&delivery.accepted) == session {
                delivery.locked_until = until;
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
        is_lost: impl Fn(&Delivery) -> bool,
        now: OffsetDateTime,
    ) -> usize {
        let lost = self.locked.values().filter(|delivery| is_lost(delivery));
        // A session has one message handed out at a time.
        let sessions: Vec<String> = lost
            .map(|delivery| session_of(&delivery.accepted).to_owned())
            .collect();
        for session in &sessions {
            self.release_session(session, now);
        }
        sessions.len()
    }

    /// What the receiver did not settle waits again, and that hand-out is not counted: so says the broker's
    /// documentation of sessions.
    fn release_session(&mut self, session: &str, now: OffsetDateTime) {
        self.sessions.remove(session);
        let out = |delivery: &Delivery| session_of(&delivery.accepted) == session;
        let unsettled: Vec<Delivery> = self
            .locked
            .extract_if(|_, delivery| out(delivery))
            .map(|(_, delivery)| delivery)
            .collect();
        for delivery in unsettled {
            let counted = delivery.delivery_count.saturating_sub(1);
            self.release(delivery.accepted, counted, now);
        }
    }

    fn held(&self, token: Uuid) -> Result<&SessionLock, SessionLost> {
        let mut held = self.sessions.values();
        held.find(|lock| lock.token == token).ok_or(SessionLost)
    }
}
