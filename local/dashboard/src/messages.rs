//! `/api/messages` and `/api/dead-letters`: what is in the queue, one more for it, and the redrive.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bus::{Accepted, DeadLetter, Enqueued, ID_MAX, MESSAGE_MAX, Message, Peeked, SendRefused};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::ShownMessage;
use super::operator::{Operator, OperatorError};
use super::receivers;
use super::request::{NewestOnly, Problem, problem, read};
use super::state::DashboardState;
use super::text::{ShownBody, contents, timestamp};

/// A message to send.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MessageToSend {
    body: String,
    session_id: Option<String>,
    message_id: Option<String>,
}

/// `GET /api/messages`: those that wait or are locked, oldest first.
pub(super) async fn list(State(state): State<Arc<DashboardState>>) -> Json<Vec<Value>> {
    let all = state.queue.peek();
    Json(all.iter().map(waiting).collect())
}

/// `GET /api/dead-letters`, oldest first.
pub(super) async fn dead_letters(
    State(state): State<Arc<DashboardState>>,
    Query(part): Query<NewestOnly>,
) -> Json<Vec<Value>> {
    let all = state.queue.dead_letters();
    Json(part.take_from(&all).iter().map(dead).collect())
}

/// `GET /api/messages/{sequence}`: everything that is known of it.
pub(super) async fn one(
    State(state): State<Arc<DashboardState>>,
    Path(sequence): Path<u64>,
) -> Response {
    match known(&state, sequence) {
        Ok(message) => {
            let mut value = json!(message.whole());
            if let Some(held) = receivers::held(&state.queue, sequence)
                && let Value::Object(value) = &mut value
            {
                value.insert("held".to_owned(), held);
            }
            Json(value).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// The message as the model knows it, or as it is in the queue.
fn known(state: &DashboardState, sequence: u64) -> Result<ShownMessage, Problem> {
    if let Some(message) = state.model().message(sequence) {
        return Ok(message.clone());
    }
    let is_meant = |letter: &&DeadLetter| letter.accepted.sequence == sequence;
    let queued = state.queue.find(sequence);
    let queued = queued.map(|peeked| ShownMessage::found(&peeked, state.started));
    let dead = || {
        let letters = state.queue.dead_letters();
        letters.iter().find(is_meant).map(ShownMessage::found_dead)
    };
    queued.or_else(dead).ok_or_else(|| {
        let text = format!(
            "#{sequence} is not in the queue, and not among the messages that this run remembers"
        );
        problem(StatusCode::NOT_FOUND, text)
    })
}

/// `GET /api/messages/{sequence}/body`: to be saved, byte for byte.
pub(super) async fn body(
    State(state): State<Arc<DashboardState>>,
    Path(sequence): Path<u64>,
) -> Result<Response, Problem> {
    let message = known(&state, sequence)?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        // Never shown in its place: anyone may have written what it says.
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"message-{sequence}.json\""),
        ),
    ];
    Ok((headers, message.body().clone()).into_response())
}

/// `POST /api/messages/{sequence}/again`: a new message with the same session and body, and an id
/// and a number of its own: what was an old cart becomes the newest.
pub(super) async fn again(
    State(state): State<Arc<DashboardState>>,
    Path(sequence): Path<u64>,
) -> Result<Response, Problem> {
    let known = known(&state, sequence)?;
    let mut message = Message::new(known.body().clone());
    message.properties.session_id = known.session_id;
    message.properties.content_type = Some("application/json".to_owned());
    enqueue(&state, message)
}

/// `POST /api/messages`.
pub(super) async fn send(
    State(state): State<Arc<DashboardState>>,
    Json(sent): Json<Value>,
) -> Result<Response, Problem> {
    let bad = |text: String| problem(StatusCode::BAD_REQUEST, text);
    enqueue(&state, message(read(sent)?).map_err(bad)?)
}

fn enqueue(state: &DashboardState, message: Message) -> Result<Response, Problem> {
    let enqueued = state.queue.enqueue(message);
    let refused = |refused: SendRefused| problem(StatusCode::BAD_REQUEST, refused.to_string());
    let answer = match enqueued.map_err(refused)? {
        Enqueued::Accepted { sequence } => json!({ "sequence": sequence }),
        Enqueued::Duplicate => json!({ "duplicate": true }),
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn message(sent: MessageToSend) -> Result<Message, String> {
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

pub(super) fn dead(letter: &DeadLetter) -> Value {
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
        "body": ShownBody::from_bytes(&accepted.message.body),
    })
}

fn set(object: &mut Value, name: &str, value: String) {
    if let Value::Object(object) = object {
        object.insert(name.to_owned(), value.into());
    }
}

/// Which letter; all when there is no number.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedriveRequest {
    sequence: Option<u64>,
}

/// `POST /api/dead-letters/redrive`: runs the operator's tool, as one would on a bad day.
///
/// Answers what the tool wrote, line by line, and whether no letter is left.
pub(super) async fn redrive(
    State(state): State<Arc<DashboardState>>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let wanted: RedriveRequest = match body.is_empty() {
        true => RedriveRequest::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| problem(StatusCode::BAD_REQUEST, error.to_string()))?,
    };
    let tool = Operator::new(&state.settings);
    let redriven = tool.redrive(wanted.sequence).await.map_err(|error| {
        let status = match error {
            OperatorError::NotStarted { .. } => StatusCode::SERVICE_UNAVAILABLE,
            OperatorError::Failed(_) => StatusCode::BAD_GATEWAY,
        };
        problem(status, error.to_string())
    })?;
    Ok(Json(
        json!({ "complete": redriven.complete, "lines": redriven.lines }),
    ))
}
