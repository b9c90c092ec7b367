//! `/api/queue`: paused, and a message's wait ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use host::Level;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Problem, problem, read};
use super::state::DashboardState;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueWish {
    paused: bool,
}

/// `PUT /api/queue`: `{"paused": true}` hands nothing out until `false`.
pub(super) async fn put(
    State(state): State<Arc<DashboardState>>,
    Json(wish): Json<Value>,
) -> Result<Json<Value>, Problem> {
    let wish: QueueWish = read(wish)?;
    state.queue.pause(wish.paused);
    state.model().touch();
    Ok(Json(json!({ "paused": state.queue.is_paused() })))
}

/// `POST /api/messages/{sequence}/redeliver`: takes the lock from the function, so that the queue
/// hands the message out again at once.
///
/// It is what a network does to a receiver that cannot renew in time. The function is not told and
/// goes on with the old delivery; its answer settles nothing, and the write protocol takes care
/// of two at once. To kill the handler would break off every other delivery with this one.
pub(super) async fn redeliver(
    State(state): State<Arc<DashboardState>>,
    Path(sequence): Path<u64>,
) -> Result<StatusCode, Problem> {
    let conflict = |text: String| Err(problem(StatusCode::CONFLICT, text));
    let Some(peeked) = state.queue.find(sequence) else {
        let text = format!("#{sequence} is not in the queue");
        return Err(problem(StatusCode::NOT_FOUND, text));
    };
    if peeked.locked_until.is_none() {
        return conflict(format!("#{sequence} is not with the function: it waits"));
    }
    if peeked.delivery_count >= state.queue.max_delivery_count() {
        return conflict(format!(
            "this is delivery {} of #{sequence}, its last: without its lock it would be a dead \
             letter",
            peeked.delivery_count
        ));
    }
    if state.queue.lose_locks(|number| number == sequence) == 0 {
        return conflict(format!("#{sequence} is not with the function any more"));
    }
    let text = format!("#{sequence}: its lock was taken by hand, and it is handed out again");
    let now = state.queue.clock().now();
    state.model().note(Level::Warning, &text, now);
    Ok(StatusCode::ACCEPTED)
}
