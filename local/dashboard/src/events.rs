//! `/api/events`: what changed, as server-sent events, at most ten times a second.
//!
//! Spec: "Server-sent events" in the HTML standard. Each event carries the run and the model's
//! revision as its id. A page that was away, or too slow, is told to take a new snapshot: nothing
//! is replayed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream::{once, unfold};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::state::DashboardState;

/// A connection that is silent for so long gets a comment, so that both ends know it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl DashboardState {
    /// Sends every page the `changes` from the last tick to this revision.
    pub(super) fn tick(&self, revision: u64, changes: &Value) {
        // An error means that no page is open.
        self.ticks.send(self.event("tick", revision, changes)).ok();
    }

    fn event_id(&self, revision: u64) -> String {
        format!("{}.{revision}", self.run)
    }

    fn event(&self, name: &str, revision: u64, data: &Value) -> Event {
        let event = Event::default().event(name).id(self.event_id(revision));
        event.data(data.to_string())
    }
}

/// `GET /api/events`.
pub(super) async fn events(
    State(state): State<Arc<DashboardState>>,
    headers: HeaderMap,
) -> Response {
    // Subscribed before the revision is read: what changes in between is sent.
    let ticks = state.ticks.subscribe();
    let revision = state.model().revision();
    let known = headers.get("last-event-id");
    let is_up_to_date =
        known.is_some_and(|id| id.as_bytes() == state.event_id(revision).as_bytes());
    let first = match is_up_to_date {
        true => state.event("hello", revision, &Value::Null),
        false => state.event("resync", revision, &Value::Null),
    };
    let resync = move || state.event("resync", state.model().revision(), &Value::Null);
    feed(first, ticks, resync)
}

/// `first`, then every tick; `resync` for a page that was too slow for all of them.
fn feed(
    first: Event,
    ticks: Receiver<Event>,
    resync: impl Fn() -> Event + Send + 'static,
) -> Response {
    let later = unfold((ticks, resync), |(mut ticks, resync)| async move {
        let event = match ticks.recv().await {
            Ok(tick) => tick,
            Err(RecvError::Lagged(_)) => resync(),
            Err(RecvError::Closed) => return None,
        };
        Some((event, (ticks, resync)))
    });
    let events = Sse::new(once(ready(first)).chain(later).map(Ok::<_, Infallible>));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let headers = [(CACHE_CONTROL, "no-store")];
    (headers, events.keep_alive(keep_alive)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, BodyDataStream};
    use tokio::sync::broadcast::Sender;
    use tokio::time::Instant;

    use super::*;

    fn named(name: &str) -> Event {
        Event::default().event(name)
    }

    async fn next(body: &mut BodyDataStream) -> String {
        let bytes = body.next().await.unwrap().unwrap();
        String::from_utf8(bytes.into()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_gets_a_comment_and_a_slow_page_is_told_to_start_anew() {
        let sender = Sender::new(2);
        let answer = feed(named("hello"), sender.subscribe(), || named("resync"));
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let mut body = Body::into_data_stream(answer.into_body());
        assert_eq!(next(&mut body).await, "event: hello\n\n");
        let started = Instant::now();
        assert_eq!(next(&mut body).await, ":\n\n");
        assert_eq!(started.elapsed(), KEEP_ALIVE);
        for tick in 1..=3 {
            sender.send(named(&format!("tick {tick}"))).unwrap();
        }
        for event in ["resync", "tick 2", "tick 3"] {
            assert_eq!(next(&mut body).await, format!("event: {event}\n\n"));
        }
        drop(sender);
        assert!(body.next().await.is_none());
    }
}
