//! `/api/log`: the newest lines of the handler, the storefront and another host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Serialize;
use serde_json::{Value, json};

use super::request::After;
use super::state::DashboardState;

/// `GET /api/log`: oldest first; `?after=N` skips those up to number N.
pub(super) async fn tail(
    State(state): State<Arc<DashboardState>>,
    Query(from): Query<After>,
) -> Json<Vec<Value>> {
    #[derive(Serialize)]
    struct Numbered<'a, T> {
        number: u64,
        #[serde(flatten)]
        line: &'a T,
    }
    let model = state.model();
    let lines = model.log.after(from.after as u64);
    Json(
        lines
            .map(|(number, line)| json!(Numbered { number, line }))
            .collect(),
    )
}
