//! `/api/messages` and `/api/dead-letters`: what is in the queue, one more for it, and the redrive.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bus::{Accepted, DeadLetter, Enqueued, ID_MAX, MESSAGE_MAX, Message, Peeked};
use serde::Deserialize;
use serde_json::{Value, json};

use super::operator::{Operator, OperatorError};
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
    let model = state.model();
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
    State(state): State<Arc<DashboardState>>,
    Json(sent): Json<Value>,
) -> Result<Response, Problem> {
    let bad = |text: String| problem(StatusCode::BAD_REQUEST, text);
    let message = message(read(sent)?).map_err(bad)?;
    let enqueued = state.queue.enqueue(message);
    let answer = match enqueued.map_err(|refused| bad(refused.to_string()))? {
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
