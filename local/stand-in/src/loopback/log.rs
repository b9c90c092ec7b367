//! The log of what arrived on the wire.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::{Method, StatusCode};
use time::OffsetDateTime;
use tokio::sync::broadcast;

use super::seen::{Moment, Request, Seen, metadata};

/// Requests a log keeps; older ones are forgotten, so that a stack may run for days.
const REQUESTS_MAX: usize = 100_000;

/// More than a screen ever lags behind.
const SEEN_KEPT: usize = 16 * 1024;

#[derive(Debug)]
struct Entry {
    method: Method,
    path: String,
    status: OnceLock<StatusCode>,
}

impl Entry {
    fn request(&self) -> Request {
        Request {
            method: self.method.clone(),
            path: self.path.clone(),
            status: self.status.get().copied(),
        }
    }
}

/// A request on its way. Dropping it says that there is no answer.
#[derive(Debug)]
pub(super) struct Arrived {
    entry: Arc<Entry>,
    log: Arc<Log>,
    number: u64,
    metadata: Vec<(String, String)>,
}

impl Arrived {
    pub(super) fn answered(&self, status: StatusCode) {
        if self.entry.status.set(status).is_ok() {
            self.tell(Moment::Answered(status));
        }
    }

    fn tell(&self, moment: Moment) {
        if self.log.seen.receiver_count() == 0 {
            return;
        }
        let seen = Seen {
            number: self.number,
            at: OffsetDateTime::now_utc(),
            method: self.entry.method.clone(),
            path: self.entry.path.clone(),
            metadata: self.metadata.clone(),
            moment,
        };
        // An error means that the last one to listen has just left.
        self.log.seen.send(seen).ok();
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if self.entry.status.get().is_none() {
            self.tell(Moment::Unanswered);
        }
    }
}

/// Written on arrival, so that a request that is never answered counts as well.
#[derive(Debug)]
pub(super) struct Log {
    entries: Mutex<VecDeque<Arc<Entry>>>,
    last: AtomicU64,
    refused: AtomicU64,
    seen: broadcast::Sender<Seen>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            last: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            seen: broadcast::Sender::new(SEEN_KEPT),
        }
    }
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.entries().iter().map(|entry| entry.request()).collect()
    }

    /// Every moment from now on.
    pub(super) fn seen(&self) -> broadcast::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// A connection was turned away.
    pub(super) fn connection_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that were turned away.
    pub(super) fn connections_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn arrived<B>(self: &Arc<Self>, request: &hyper::Request<B>) -> Arrived {
        let entry = Arc::new(Entry {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            status: OnceLock::new(),
        });
        let mut entries = self.entries();
        if entries.len() == REQUESTS_MAX {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        drop(entries);
        let arrived = Arrived {
            entry,
            log: Arc::clone(self),
            number: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            metadata: metadata(request.headers()),
        };
        arrived.tell(Moment::Arrived);
        arrived
    }
}
