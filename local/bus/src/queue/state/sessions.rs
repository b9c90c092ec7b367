//! Sessions: each is held by one receiver at a time, under one lock for all of its messages.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::session_of;
use super::delivery::Taker;
use super::locks::Locked;
use crate::queue::amqp_form::AmqpBytes;
use crate::queue::message::{Delivery, SessionLock};
use crate::queue::outcome::{HeldSession, Holder, SessionHeld, SessionLost};
use crate::queue::transition::Transition;

/// A session that is held.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) lock: SessionLock,
    by: Holder,
    since: OffsetDateTime,
}

impl State {
    /// Locks the session whose message waits longest, among those nobody holds.
    pub(in crate::queue) fn accept_session(
        &mut self,
        by: Holder,
        now: OffsetDateTime,
    ) -> Option<SessionLock> {
        self.pass_time(now);
        if self.paused {
            return None;
        }
        let free = |session: &str| {
            !self.sessions.contains_key(session) && !self.refused_sessions.contains(session)
        };
        let session = self.backlog.first_session(free)?.to_owned();
        Some(self.hold(session, by, now))
    }

    /// Locks a session by its name, whether it has messages or not.
    pub(in crate::queue) fn accept_named_session(
        &mut self,
        session: &str,
        by: Holder,
        now: OffsetDateTime,
    ) -> Result<SessionLock, SessionHeld> {
        self.pass_time(now);
        if self.sessions.contains_key(session) || self.refused_sessions.contains(session) {
            return Err(SessionHeld);
        }
        Ok(self.hold(session.to_owned(), by, now))
    }

    fn hold(&mut self, session_id: String, by: Holder, now: OffsetDateTime) -> SessionLock {
        let lock = SessionLock {
            session_id,
            token: Uuid::new_v4(),
            locked_until: now + self.options.lock_duration,
        };
        let hold = Hold {
            lock: lock.clone(),
            by,
            since: now,
        };
        self.sessions.insert(lock.session_id.clone(), hold);
        lock
    }

    /// Hands out the oldest message of a session that is held; nothing while one is out already.
    pub(in crate::queue) fn receive_in(
        &mut self,
        token: Uuid,
        taker: Taker,
        now: OffsetDateTime,
    ) -> Result<Option<Delivery>, SessionLost> {
        self.pass_time(now);
        let session = &self.held(token)?.session_id;
        if self.locked.values().any(|locked| locked.is_of(session)) {
            return Ok(None);
        }
        self.receive_more_in(token, taker, now)
    }

    /// Hands out the oldest message of a session that still waits, whatever is out.
    pub(in crate::queue) fn receive_more_in(
        &mut self,
        token: Uuid,
        taker: Taker,
        now: OffsetDateTime,
    ) -> Result<Option<Delivery>, SessionLost> {
        self.pass_time(now);
        let lock = self.held(token)?.clone();
        if self.paused {
            return Ok(None);
        }
        while let Some(waiting) = self.backlog.pop_first_of(&lock.session_id) {
            if let Some(message) = self.unless_expired(waiting, now) {
                return Ok(Some(self.hand_out(message, lock.locked_until, taker, now)));
            }
        }
        Ok(None)
    }

    pub(in crate::queue) fn renew_session(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, SessionLost> {
        self.pass_time(now);
        let until = now + self.options.lock_duration;
        let session = self.held(token)?.session_id.clone();
        for message in self.locked.tokens_of(|locked| locked.is_of(&session)) {
            self.locked.extend(message, until);
        }
        if let Some(hold) = self.sessions.get_mut(&session) {
            hold.lock.locked_until = until;
        }
        Ok(until)
    }

    /// Lets go of a session; a lock that has ended already is no matter.
    pub(in crate::queue) fn close_session(&mut self, token: Uuid, now: OffsetDateTime) {
        self.pass_time(now);
        if let Ok(lock) = self.held(token) {
            let session = lock.session_id.clone();
            self.release_session(&session, now);
        }
    }

    /// Ends the lock of a session, whoever holds it; says whether somebody did.
    pub(in crate::queue) fn lose_session(&mut self, session: &str, now: OffsetDateTime) -> bool {
        self.pass_time(now);
        let was_held = self.sessions.contains_key(session);
        if was_held {
            self.release_session(session, now);
        }
        was_held
    }

    /// From now on nobody gets this session, or everybody may again.
    pub(in crate::queue) fn refuse_session(&mut self, session: &str, refused: bool) {
        if refused {
            self.refused_sessions.insert(session.to_owned());
        } else {
            self.refused_sessions.remove(session);
        }
    }

    pub(in crate::queue) fn refused_sessions(&self) -> Vec<String> {
        self.refused_sessions.iter().cloned().collect()
    }

    pub(super) fn release_ended_sessions(&mut self, now: OffsetDateTime) {
        let held = self.sessions.values().map(|hold| &hold.lock);
        let ended: Vec<String> = held
            .filter(|lock| lock.locked_until <= now)
            .map(|lock| lock.session_id.clone())
            .collect();
        for session in ended {
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
        let sessions: BTreeSet<String> = lost
            .map(|locked| session_of(&locked.message.accepted).to_owned())
            .collect();
        let before = self.locked.len();
        for session in &sessions {
            self.release_session(session, now);
        }
        before - self.locked.len()
    }

    /// What the receiver did not settle waits again, and that hand-out is not counted: so says the
    /// broker's documentation of sessions.
    fn release_session(&mut self, session: &str, now: OffsetDateTime) {
        self.sessions.remove(session);
        for token in self.locked.tokens_of(|locked| locked.is_of(session)) {
            if let Some(locked) = self.locked.remove(token) {
                self.release_uncounted(locked.message, now);
            }
        }
    }

    pub(in crate::queue) fn held(&self, token: Uuid) -> Result<&SessionLock, SessionLost> {
        let mut held = self.sessions.values().map(|hold| &hold.lock);
        held.find(|lock| lock.token == token).ok_or(SessionLost)
    }

    pub(in crate::queue) fn held_sessions(&self) -> Vec<HeldSession> {
        let held = self.sessions.values().map(|hold| HeldSession {
            session_id: hold.lock.session_id.clone(),
            by: hold.by,
            since: hold.since,
            until: hold.lock.locked_until,
        });
        held.collect()
    }
}

/// What the receivers of a session keep with it, for whoever holds it next.
impl State {
    pub(in crate::queue) fn session_state(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<AmqpBytes>, SessionLost> {
        self.pass_time(now);
        let session = &self.held(token)?.session_id;
        Ok(self.session_states.get(session).cloned())
    }

    pub(in crate::queue) fn set_session_state(
        &mut self,
        token: Uuid,
        state: Option<AmqpBytes>,
        now: OffsetDateTime,
    ) -> Result<(), SessionLost> {
        self.pass_time(now);
        let session_id = self.held(token)?.session_id.clone();
        self.keep_session_state(&session_id, state.clone());
        self.transitions
            .push(Transition::SessionState { session_id, state });
        Ok(())
    }

    pub(super) fn keep_session_state(&mut self, session: &str, state: Option<AmqpBytes>) {
        match state {
            Some(state) => drop(self.session_states.insert(session.to_owned(), state)),
            None => drop(self.session_states.remove(session)),
        }
    }

    /// The sessions that have messages or a state, by name.
    pub(in crate::queue) fn session_names(&self) -> BTreeSet<String> {
        let waiting = self.backlog.iter().chain(self.deferred.values());
        let locked = self.locked.values().map(|locked| &locked.message);
        let of_messages = waiting.chain(locked).map(|it| session_of(&it.accepted));
        let with_states = self.session_states.keys().map(String::as_str);
        of_messages.chain(with_states).map(str::to_owned).collect()
    }
}
