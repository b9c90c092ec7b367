//! `/api/shops`: the processes of the storefront are killed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::request::{Problem, problem};
use super::state::DashboardState;

/// `POST /api/shops/{number}/kill`: that one, counted from 1. The stack starts it again.
pub(super) async fn kill(
    State(state): State<Arc<DashboardState>>,
    Path(number): Path<usize>,
) -> Result<StatusCode, Problem> {
    let shops = state.shops();
    let shop = number.checked_sub(1).and_then(|index| shops.get(index));
    let shop = shop.ok_or_else(|| {
        let all = shops.len();
        let text = format!("there is no shop {number}: expected one of the {all} that run");
        problem(StatusCode::NOT_FOUND, text)
    })?;
    shop.send_modify(|kills| *kills = kills.wrapping_add(1));
    Ok(StatusCode::ACCEPTED)
}
