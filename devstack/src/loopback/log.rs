//! The log of what arrived on the wire.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::{Method, StatusCode};

/// Requests a log keeps; older ones are forgotten, so that a stack may run for days.
const REQUESTS_MAX: usize = 100_000;

/// One request as it was seen on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, percent-encoded as it was sent, without the query (which may hold a signature).
    pub path: String,
    /// The status of the answer; `None` as long as there is none, or when there never will be.
    pub status: Option<StatusCode>,
}

#[derive(Debug)]
pub(super) struct Entry {
    method: Method,
    path: String,
    status: OnceLock<StatusCode>,
}

impl Entry {
    pub(super) fn answered(&self, status: StatusCode) {
        self.status.get_or_init(|| status);
    }

    fn request(&self) -> Request {
        Request {
            method: self.method.clone(),
            path: self.path.clone(),
            status: self.status.get().copied(),
        }
    }
}

/// Written on arrival, so that a request that is never answered counts as well.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<VecDeque<Arc<Entry>>>);

impl Log {
    fn entries(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.entries().iter().map(|entry| entry.request()).collect()
    }

    pub(super) fn arrived<B>(&self, request: &hyper::Request<B>) -> Arc<Entry> {
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
        entry
    }
}
