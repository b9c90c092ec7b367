//! What the stand-in answers.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Received, Shared, contract};

pub(super) async fn invoke(
    State(shared): State<Arc<Shared>>,
    Path(workflow): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let apply = async {
        let (operation_id, response) = match accept(&shared, &headers, &body).await {
            Ok(accepted) => accepted,
            Err(response) => return response,
        };
        let kept = shared.keep(Received {
            at: OffsetDateTime::now_utc(),
            workflow,
            operation_id,
            headers: readable(&headers),
            // Kept as a part of the buffer it was read into, it would keep the whole buffer.
            body: Bytes::copy_from_slice(&body),
        });
        // Not told as accepted what nobody could find again: at worst there is a second mail.
        kept.map_or_else(|failed| not_kept(&failed), |()| response)
    };
    let refuse = |status, code| error(status, code, "a fault that was switched on");
    shared.faults.around(apply, refuse).await
}

impl Shared {
    fn keep(&self, accepted: Received) -> io::Result<()> {
        let mut received = self.received();
        received.add(accepted.clone())?;
        // Under the lock, for the order. An error means that nobody listens.
        self.arrivals.send(accepted).ok();
        Ok(())
    }
}

/// The operation's id and the answer when the request was accepted, else only the answer.
async fn accept(
    shared: &Shared,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(String, Response), Response> {
    let mismatch = |wrong: String| {
        error(
            StatusCode::BAD_REQUEST,
            "TriggerInputSchemaMismatch",
            &wrong,
        )
    };
    check_type(headers).map_err(mismatch)?;
    if let Some(runner) = &shared.runner {
        let body = runner.read(body).map_err(mismatch)?;
        return runner.answer(body).await;
    }
    let operation_id = contract::check(body).map_err(mismatch)?;
    let answer = json!({ "status": "accepted", "operationId": operation_id });
    let response = (StatusCode::ACCEPTED, Json(answer)).into_response();
    Ok((operation_id, response))
}

fn check_type(headers: &HeaderMap) -> Result<(), String> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    if media_type.is_none_or(|media_type| media_type.trim() != "application/json") {
        return Err("the content type must be application/json".to_owned());
    }
    Ok(())
}

fn readable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut readable = BTreeMap::new();
    for (name, value) in headers {
        let text = match *name {
            AUTHORIZATION => "(removed)".into(),
            _ => String::from_utf8_lossy(value.as_bytes()),
        };
        readable.insert(name.to_string(), text.into_owned());
    }
    readable
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let entry = |received: &Received| {
        json!({
            "at": received.at.format(&Rfc3339).unwrap_or_default(),
            "workflow": received.workflow,
            "headers": received.headers,
            // Checked to be JSON when it was accepted.
            "body": serde_json::from_slice::<Value>(&received.body).unwrap_or_default(),
        })
    };
    let mut all: Vec<Value> = shared.received().after(0).map(entry).collect();
    all.reverse();
    let text = format!("{:#}\n", Value::from(all));
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

pub(super) async fn clear(State(shared): State<Arc<Shared>>) -> Response {
    match shared.received().clear() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failed) => not_kept(&failed),
    }
}

fn not_kept(failed: &io::Error) -> Response {
    let message = format!("the file of what was accepted cannot be written: {failed}");
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        &message,
    )
}

pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } });
    (status, Json(body)).into_response()
}
