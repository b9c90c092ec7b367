//! How a service of Azure words an error.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } });
    (status, Json(body)).into_response()
}

/// The answer when a fault is switched on.
pub(crate) fn fault(status: StatusCode, code: &'static str) -> Response {
    error(status, code, "a fault that was switched on")
}
