//! `POST /api/dead-letters/redrive`: runs the operator's tool, as one would on a bad day.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::api::{Problem, problem};
use crate::operator::{Operator, OperatorError};

/// Which letters; all when there is no number.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    sequence: Option<u64>,
}

/// Answers what the tool wrote, line by line, and whether no letter is left.
pub(super) async fn redrive(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let which: Which = match body.is_empty() {
        true => Which::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| problem(StatusCode::BAD_REQUEST, error.to_string()))?,
    };
    let tool = Operator::new(&shared.settings);
    let redriven = tool.redrive(which.sequence).await.map_err(|error| {
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
