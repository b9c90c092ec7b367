//! What is told of a request on the wire.

use axum::http::{HeaderMap, Method, StatusCode};
use time::OffsetDateTime;

/// Headers with what a client says of the content it sends.
const METADATA_PREFIX: &str = "x-ms-meta-";

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

/// A request at the moment it arrived, or at the moment it came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which request: counted from 1.
    pub number: u64,
    /// When.
    pub at: OffsetDateTime,
    /// The method.
    pub method: Method,
    /// The path, as in [`Request`].
    pub path: String,
    /// The `x-ms-meta-…` headers, without that prefix.
    pub metadata: Vec<(String, String)>,
    /// What happened.
    pub moment: Moment,
}

/// What happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was read.
    Arrived,
    /// It was answered.
    Answered(StatusCode),
    /// Its connection was closed without an answer, by us or by its client.
    Unanswered,
}

/// What the client says of the content.
pub(super) fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let all = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA_PREFIX)?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    all.collect()
}
