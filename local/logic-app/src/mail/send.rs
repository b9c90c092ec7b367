//! `POST /emails:send`: the REST shape of the service.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use stand_in::FaultSwitch;
use uuid::Uuid;

use super::message::Email;
use super::outbox::Outbox;
use crate::answer::{error, fault};

/// The versions of the service's API that have this shape.
const API_VERSIONS: [&str; 2] = ["2023-03-31", "2025-09-01"];

/// When the sender may ask for the status, in seconds.
const ASK_AFTER: &str = "30";

#[derive(Debug)]
pub(super) struct MailState {
    pub(super) url: String,
    pub(super) outbox: Outbox,
    pub(super) faults: FaultSwitch,
}

#[derive(Debug, Deserialize)]
pub(super) struct SendParameters {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
}

pub(super) async fn send(
    State(state): State<Arc<MailState>>,
    Query(parameters): Query<SendParameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let apply = async {
        match accept(&state, &parameters, &headers, &body).await {
            Ok(response) => response,
            Err((status, code, message)) => error(status, code, &message),
        }
    };
    state.faults.around(apply, fault).await
}

type SendRefused = (StatusCode, &'static str, String);

async fn accept(
    state: &MailState,
    parameters: &SendParameters,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, SendRefused> {
    let wrong = |message: String| (StatusCode::BAD_REQUEST, "BadRequest", message);
    let version = parameters.api_version.as_deref();
    let version = version.filter(|version| API_VERSIONS.contains(version));
    let version =
        version.ok_or_else(|| wrong(format!("api-version must be one of {API_VERSIONS:?}")))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !text(AUTHORIZATION.as_str()).is_some_and(|token| token.starts_with("Bearer ")) {
        let message = "a managed identity's token is missing".to_owned();
        return Err((StatusCode::UNAUTHORIZED, "Denied", message));
    }
    let operation_id = match text("operation-id") {
        None => Uuid::new_v4(),
        Some(id) => {
            Uuid::try_parse(id).map_err(|_| wrong("Operation-Id must be a UUID".to_owned()))?
        }
    };
    let email = Email::read(body).map_err(wrong)?;
    let taken = state.outbox.take(email, operation_id).await;
    taken.map_err(|error| {
        let message = format!("the outbox cannot be written: {error}");
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            message,
        )
    })?;
    let status = format!(
        "{}/emails/operations/{operation_id}?api-version={version}",
        state.url
    );
    let headers = [
        ("operation-location", status),
        (RETRY_AFTER.as_str(), ASK_AFTER.to_owned()),
    ];
    let body = json!({ "id": operation_id.to_string(), "status": "Running", "error": null });
    Ok((StatusCode::ACCEPTED, headers, Json(body)).into_response())
}
