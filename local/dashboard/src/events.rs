//! Server-sent events: what changed, at most ten times a second.
//!
//! Spec: "Server-sent events" in the HTML standard. Each event carries the model's revision as its
//! id. A page that was away, or too slow, is told to take a new snapshot: nothing is replayed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::Shared;

/// A connection that is silent for so long gets a comment, so that both ends know it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event, as it goes over the wire.
#[derive(Debug)]
pub(super) struct Tick(Bytes);

impl Tick {
    /// `changes` brings a page from the last tick to this revision.
    pub(super) fn new(shared: &Shared, revision: u64, changes: &Value) -> Self {
        // JSON on one line: no line of it can be taken for a field.
        Self(event("tick", &shared.event_id(revision), changes))
    }
}

impl Shared {
    /// Of this run: revisions of another stack at this address mean nothing.
    fn event_id(&self, revision: u64) -> String {
        format!("{}.{revision}", self.run)
    }
}

fn event(name: &str, id: &str, data: &Value) -> Bytes {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n").into()
}

/// `GET /api/events`.
pub(super) async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    // Subscribed before the revision is read: what changes in between is sent.
    let ticks = shared.ticks.subscribe();
    let id = shared.event_id(shared.model().revision());
    let hello = match headers.get("last-event-id") {
        Some(known) if known.as_bytes() == id.as_bytes() => "hello",
        _ => "resync",
    };
    let first = event(hello, &id, &Value::Null);
    let body = Body::new(Feed::new(shared, ticks, first));
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

struct Source {
    shared: Arc<Shared>,
    ticks: Receiver<Arc<Tick>>,
}

impl Source {
    async fn next(mut self) -> Option<(Self, Bytes)> {
        let bytes = match timeout(KEEP_ALIVE, self.ticks.recv()).await {
            Ok(Ok(tick)) => tick.0.clone(),
            Ok(Err(RecvError::Lagged(_))) => {
                let id = self.shared.event_id(self.shared.model().revision());
                event("resync", &id, &Value::Null)
            }
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => Bytes::from_static(b":\n\n"),
        };
        Some((self, bytes))
    }
}

type Next = Pin<Box<dyn Future<Output = Option<(Source, Bytes)>> + Send>>;

/// The body of an answer that does not end by itself.
struct Feed {
    next: Option<Next>,
}

impl Feed {
    fn new(shared: Arc<Shared>, ticks: Receiver<Arc<Tick>>, first: Bytes) -> Self {
        let source = Source { shared, ticks };
        let next: Next = Box::pin(async { Some((source, first)) });
        Self { next: Some(next) }
    }
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let Poll::Ready(ready) = next.as_mut().poll(context) else {
            return Poll::Pending;
        };
        let Some((source, bytes)) = ready else {
            self.next = None;
            return Poll::Ready(None);
        };
        self.next = Some(Box::pin(source.next()));
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
