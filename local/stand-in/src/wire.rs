//! What is seen on the wire of a stand-in: a log of its requests, and a broadcast of their moments.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::{HeaderMap, Method, StatusCode};
use time::OffsetDateTime;
use tokio::sync::broadcast;

/// Requests a log keeps; older ones are forgotten, so that a stack may run for days.
const REQUESTS_MAX: usize = 100_000;

/// More than a screen ever lags behind.
const SEEN_MAX: usize = 16 * 1024;

/// Headers with what a client says of the content it sends.
const METADATA_PREFIX: &str = "x-ms-meta-";

/// One request as it was seen on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// The path, percent-encoded as it was sent, without the query (which may hold a signature).
    pub path: String,
    /// The status of the answer; `None` as long as there is none, or when there never will be.
    pub status: Option<StatusCode>,
}

/// A request at the moment it arrived, or at the moment it came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which request: counted from 1.
    pub number: u64,
    pub at: OffsetDateTime,
    pub method: Method,
    /// The path, as in [`Request`].
    pub path: String,
    /// The `x-ms-meta-…` headers, without that prefix.
    pub metadata: Vec<(String, String)>,
    pub moment: Moment,
}

/// What happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was read.
    Arrived,
    Answered(StatusCode),
    /// Its connection was closed without an answer, by us or by its client.
    Unanswered,
}

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
            seen: broadcast::Sender::new(SEEN_MAX),
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

    pub(super) fn seen(&self) -> broadcast::Receiver<Seen> {
        self.seen.subscribe()
    }

    pub(super) fn connection_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

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

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let all = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA_PREFIX)?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    all.collect()
}
