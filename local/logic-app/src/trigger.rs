//! The trigger: what it holds, and what it answers.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use stand_in::FaultSwitch;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::broadcast;
use workflow::Schema;

use crate::answer::{error, fault};
use crate::history::{History, Received};
use crate::runner::Runner;

/// More than a screen ever lags behind.
const ARRIVALS_MAX: usize = 1_024;

/// What becomes of a request that fits.
#[derive(Debug)]
pub(crate) enum Behind {
    /// It is only listed.
    Schema(Schema),
    /// It is what the workflow makes of it.
    Workflow(Runner),
}

#[derive(Debug)]
pub(crate) struct TriggerState {
    received: Mutex<History>,
    pub(crate) arrivals: broadcast::Sender<Received>,
    pub(crate) faults: FaultSwitch,
    behind: Behind,
}

impl TriggerState {
    pub(crate) fn new(behind: Behind, history: History) -> Self {
        Self {
            received: Mutex::new(history),
            arrivals: broadcast::Sender::new(ARRIVALS_MAX),
            faults: FaultSwitch::default(),
            behind,
        }
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, History> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, accepted: Received) -> io::Result<()> {
        let mut received = self.received();
        received.add(accepted.clone())?;
        // Under the lock, for the order. An error means that nobody listens.
        self.arrivals.send(accepted).ok();
        Ok(())
    }
}

pub(crate) async fn invoke(
    State(state): State<Arc<TriggerState>>,
    Path(workflow): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let apply = async {
        let (operation_id, response) = match accept(&state, &headers, &body).await {
            Ok(accepted) => accepted,
            Err(response) => return response,
        };
        let kept = state.keep(Received {
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
    state.faults.around(apply, fault).await
}

/// The operation's id and the answer when the request was accepted, else only the answer.
async fn accept(
    state: &TriggerState,
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
    let body = read(&state.behind, headers, body).map_err(mismatch)?;
    let id = body.get("operationId").and_then(Value::as_str);
    let id = id.unwrap_or_default().to_owned();
    match &state.behind {
        Behind::Workflow(runner) => {
            let tracking_id = headers.get("x-ms-client-tracking-id");
            let tracking_id = tracking_id.and_then(|id| id.to_str().ok());
            let response = runner.answer(body, tracking_id).await?;
            Ok((id, response))
        }
        Behind::Schema(_) => {
            let answer = json!({ "status": "accepted", "operationId": id });
            Ok((id, (StatusCode::ACCEPTED, Json(answer)).into_response()))
        }
    }
}

/// The body of a request that the trigger takes, or what is wrong with it.
fn read(behind: &Behind, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
    check_type(headers)?;
    let body = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    match behind {
        Behind::Workflow(runner) => runner.accepts(&body),
        Behind::Schema(schema) => schema.accepts(&body),
    }?;
    Ok(body)
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

pub(crate) async fn list(State(state): State<Arc<TriggerState>>) -> Response {
    let entry = |received: &Received| {
        json!({
            "at": received.at.format(&Rfc3339).unwrap_or_default(),
            "workflow": received.workflow,
            "headers": received.headers,
            // Checked to be JSON when it was accepted.
            "body": serde_json::from_slice::<Value>(&received.body).unwrap_or_default(),
        })
    };
    let mut all: Vec<Value> = state.received().after(0).map(entry).collect();
    all.reverse();
    let text = format!("{:#}\n", Value::from(all));
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

pub(crate) async fn clear(State(state): State<Arc<TriggerState>>) -> Response {
    match state.received().clear() {
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
