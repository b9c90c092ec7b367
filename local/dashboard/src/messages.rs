//! `/api/messages` and `/api/dead-letters`: what is in the queue, and one more for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::api::{Part, Problem, problem};
use super::text::{Body, contents, timestamp};
use bus::{Accepted, DeadLetter, Enqueued, Message, Peeked};

/// The largest message that a queue of the standard tier takes, in bytes.
const MESSAGE_MAX: usize = 256 * 1024;

/// The longest session id or message id of Service Bus, in characters.
const ID_MAX: usize = 128;

/// A message to send.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sent {
    body: String,
    session_id: Option<String>,
    message_id: Option<String>,
}

/// `GET /api/messages`: those that wait or are locked, oldest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<Value>> {
    let all = shared.queue.peek();
    Json(all.iter().map(waiting).collect())
}

/// `GET /api/dead-letters`, oldest first.
pub(super) async fn dead_letters(
    State(shared): State<Arc<Shared>>,
    Query(part): Query<Part>,
) -> Json<Vec<Value>> {
    let all = shared.queue.dead_letters();
    Json(part.of(&all).iter().map(dead).collect())
}

/// `GET /api/messages/{sequence}`: everything that is known of it.
pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(sequence): Path<u64>) -> Response {
    let model = shared.model();
    match model.message(sequence) {
        Some(message) => Json(message.whole()).into_response(),
        None => problem(
            StatusCode::NOT_FOUND,
            format!("#{sequence} is not among the newest messages of this run"),
        )
        .into_response(),
    }
}

/// `POST /api/messages`.
pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Json(sent): Json<Value>,
) -> Result<Response, Problem> {
    let bad = |text: String| problem(StatusCode::BAD_REQUEST, text);
    let sent: Sent = serde_path_to_error::deserialize(sent)
        .map_err(|error| bad(format!("{}: {}", error.path(), error.inner())))?;
    let message = message(sent).map_err(bad)?;
    let enqueued = shared.queue.enqueue(message);
    let answer = match enqueued.map_err(|refused| bad(refused.to_string()))? {
        Enqueued::Accepted { sequence } => json!({ "sequence": sequence }),
        Enqueued::Duplicate => json!({ "duplicate": true }),
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn message(sent: Sent) -> Result<Message, String> {
    if sent.body.len() > MESSAGE_MAX {
        return Err(format!(
            "body: expected at most {MESSAGE_MAX} bytes, not {}",
            sent.body.len()
        ));
    }
    let id = |name: &str, id: Option<String>| match id.filter(|id| !id.is_empty()) {
        Some(id) if id.chars().count() > ID_MAX => {
            Err(format!("{name}: expected at most {ID_MAX} characters"))
        }
        id => Ok(id),
    };
    let mut message = Message::new(sent.body);
    message.properties.session_id = id("sessionId", sent.session_id)?;
    message.properties.message_id = id("messageId", sent.message_id)?;
    message.properties.content_type = Some("application/json".to_owned());
    Ok(message)
}

fn waiting(peeked: &Peeked) -> Value {
    let mut value = accepted(&peeked.accepted, peeked.delivery_count);
    if let Some(until) = peeked.locked_until {
        set(&mut value, "lockedUntil", timestamp(until));
    }
    value
}

fn dead(letter: &DeadLetter) -> Value {
    let mut value = accepted(&letter.accepted, letter.delivery_count);
    set(&mut value, "deadLetteredAt", timestamp(letter.at));
    set(&mut value, "reason", letter.reason.to_string());
    value
}

fn accepted(accepted: &Accepted, delivery_count: u32) -> Value {
    let properties = &accepted.message.properties;
    json!({
        "sequence": accepted.sequence,
        "messageId": properties.message_id,
        "sessionId": properties.session_id,
        "deliveryCount": delivery_count,
        "enqueuedTime": timestamp(accepted.enqueued),
        "expiresAt": timestamp(accepted.expires),
        "contents": contents(&accepted.message.body),
        "properties": properties,
        "body": Body::of(&accepted.message.body),
    })
}

fn set(object: &mut Value, name: &str, value: String) {
    if let Value::Object(object) = object {
        object.insert(name.to_owned(), value.into());
    }
}
