//! The client at the other end of a connection, and the sessions that it holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use crate::queue::{Queue, SessionLock};

/// Entries of sessions that are held no more are cleared away beyond so many.
const HELD_MANY: usize = 256;

#[derive(Debug)]
pub(super) struct Client {
    /// The container id by which it calls itself.
    pub(super) container: String,
    pub(super) address: String,
    /// The largest frame that it takes.
    pub(super) frame_max: usize,
    /// How often it wants to hear something.
    pub(super) heartbeat: Option<Duration>,
    /// Ends the connection when it is notified.
    pub(super) cut: Arc<Notify>,
}

/// Sessions by queue and name, for requests, which name a session and no lock.
#[derive(Debug, Default)]
pub(super) struct HeldSessions(HashMap<(String, String), (Queue, Uuid)>);

impl HeldSessions {
    pub(super) fn add(&mut self, queue: &Queue, lock: &SessionLock) {
        if self.0.len() >= HELD_MANY {
            self.0
                .retain(|_, (queue, token)| queue.holds_session(*token));
        }
        let key = (queue.name().to_owned(), lock.session_id.clone());
        self.0.insert(key, (queue.clone(), lock.token));
    }

    pub(super) fn token(&self, queue: &Queue, session: &str) -> Option<Uuid> {
        let key = (queue.name().to_owned(), session.to_owned());
        self.0.get(&key).map(|(_, token)| *token)
    }
}
