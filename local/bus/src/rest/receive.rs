//! The receiving side of the REST interface, of the queue and of its dead letters: peek-lock, complete, unlock, renew.
//!
//! Spec: "Peek-Lock Message", "Receive and Delete Message", "Delete Message", "Unlock Message", "Renew-Lock for a
//! Message". The message in the path of a settlement is not compared: the lock token alone decides.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use serde::Deserialize;
use tokio::time::timeout;
use uuid::Uuid;

use super::shared::{Refusal, Shared};
use crate::queue::{LockLost, Queue};
use answer::Received;

/// The longest that a receiver may wait, and the default, as in Azure.
const WAIT_MAX_SECS: u64 = 60;

/// The REST interface cannot name a session to receive from.
const NEEDS_SESSIONS: &str = "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.";

const DEAD_LETTERS: &str = "$deadletterqueue";

/// `…/messages/head` and `…/messages/{message}/{lock token}`, each with and without the dead-letter queue's name.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let settle = || put(settle).delete(settle).post(settle);
    Router::new()
        .route("/{queue}/messages/head", post(receive).delete(receive))
        .route(
            "/{queue}/{part}/messages/head",
            post(receive).delete(receive),
        )
        .route("/{queue}/messages/{message}/{token}", settle())
        .route("/{queue}/{part}/messages/{message}/{token}", settle())
}

/// What the path names.
#[derive(Debug, Deserialize)]
struct Target {
    queue: String,
    part: Option<String>,
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wait {
    timeout: Option<u64>,
}

impl Target {
    /// The queue, and whether its dead letters are meant.
    fn open<'a>(
        &self,
        door: &'a Shared,
        headers: &HeaderMap,
    ) -> Result<(&'a Queue, bool), Refusal> {
        let queue = door.queue(&self.queue)?;
        door.authorize(headers, queue)?;
        match &self.part {
            None => Ok((queue, false)),
            Some(part) if part.eq_ignore_ascii_case(DEAD_LETTERS) => Ok((queue, true)),
            Some(part) => Err((
                StatusCode::NOT_FOUND,
                format!(
                    "no {part:?} in queue {:?}; there is: {DEAD_LETTERS}",
                    queue.name()
                ),
            )),
        }
    }
}

/// POST locks a message; DELETE takes it off the queue at once.
async fn receive(
    State(door): State<Arc<Shared>>,
    Path(target): Path<Target>,
    Query(wait): Query<Wait>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (queue, dead) = target.open(&door, &headers)?;
    if queue.requires_sessions() && !dead {
        return Err((StatusCode::BAD_REQUEST, NEEDS_SESSIONS.to_owned()));
    }
    let wait = wait.timeout.unwrap_or(WAIT_MAX_SECS).min(WAIT_MAX_SECS);
    let Ok(received) = timeout(Duration::from_secs(wait), next(queue, dead)).await else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if method == Method::POST {
        let place = if dead { "/$deadletterqueue" } else { "" };
        let base = format!("{}/{}{place}", door.url, queue.name());
        return Ok(received.locked(&base));
    }
    complete(queue, dead, received.token).map_err(|lost| gone(&lost))?;
    Ok(received.taken())
}

async fn next(queue: &Queue, dead: bool) -> Received {
    if dead {
        queue.receive_dead_letter().await.into()
    } else {
        queue.receive().await.into()
    }
}

/// DELETE completes, PUT unlocks, POST renews.
async fn settle(
    State(door): State<Arc<Shared>>,
    Path(target): Path<Target>,
    method: Method,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let (queue, dead) = target.open(&door, &headers)?;
    let token = target.token.as_deref().unwrap_or_default();
    let token = Uuid::parse_str(token).map_err(|_| gone(&LockLost))?;
    let settled = match (method, dead) {
        (Method::DELETE, _) => complete(queue, dead, token),
        (Method::PUT, true) => queue.unlock_dead_letter(token),
        (Method::PUT, false) => queue.abandon(token).map(|_| ()),
        (_, true) => queue.renew_dead_letter(token).map(|_| ()),
        (_, false) => queue.renew(token).map(|_| ()),
    };
    settled.map_err(|lost| gone(&lost))?;
    Ok(StatusCode::OK)
}

fn complete(queue: &Queue, dead: bool, token: Uuid) -> Result<(), LockLost> {
    if dead {
        queue.complete_dead_letter(token)
    } else {
        queue.complete(token)
    }
}

fn gone(lost: &LockLost) -> Refusal {
    (StatusCode::NOT_FOUND, lost.to_string())
}
