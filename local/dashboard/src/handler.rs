//! `/api/handler`: the handler is killed, now or in the middle of an upload.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use blob::BlobHandle;
use host::{Killer, Level};

use super::request::{Problem, problem};
use super::state::DashboardState;

/// The end of a process that was killed; the limit only ends what cannot be.
const EXIT_WAIT_MAX: Duration = Duration::from_secs(30);

/// `POST /api/handler/kill`.
pub(super) async fn kill(State(state): State<Arc<DashboardState>>) -> Result<StatusCode, Problem> {
    killer(&state)?.kill();
    Ok(StatusCode::ACCEPTED)
}

fn killer(state: &DashboardState) -> Result<&Killer, Problem> {
    let text = "another host runs the function: expected `cargo local` without --func or --host";
    let problem = || problem(StatusCode::CONFLICT, text);
    state.killer.as_ref().ok_or_else(problem)
}

/// `POST /api/handler/kill-during-upload`.
pub(super) async fn arm(State(state): State<Arc<DashboardState>>) -> Result<StatusCode, Problem> {
    killer(&state)?;
    if state.blob.is_none() {
        let text = "the storage is not part of this stack, so an upload cannot be seen";
        return Err(problem(StatusCode::CONFLICT, text));
    }
    let once_more = |armed: &mut Option<u64>| *armed = Some(armed.unwrap_or_default() + 1);
    state.armed.send_modify(once_more);
    state.model().touch();
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /api/handler/kill-during-upload`: it is not meant any more.
pub(super) async fn disarm(State(state): State<Arc<DashboardState>>) -> StatusCode {
    state.armed.send_replace(None);
    state.model().touch();
    StatusCode::NO_CONTENT
}

/// Never ends.
pub(super) async fn kill_during_uploads(state: Arc<DashboardState>) {
    let mut armed = state.armed.subscribe();
    let (Some(blob), Some(killer)) = (&state.blob, &state.killer) else {
        return;
    };
    loop {
        // The sender lives as long as `state`: there is no error to see.
        armed.wait_for(Option::is_some).await.ok();
        tokio::select! {
            () = kill_during_upload(&state, blob, killer) => {
                state.armed.send_replace(None);
                state.model().touch();
            }
            _ = armed.changed() => {}
        }
    }
}

async fn kill_during_upload(state: &DashboardState, blob: &BlobHandle, killer: &Killer) {
    let mut exits = state.exits.subscribe();
    let Ok(held) = blob.hold_next_upload().await else {
        return;
    };
    exits.mark_unchanged();
    let text = "an upload arrived, and the handler is killed before its answer";
    state
        .model()
        .note(Level::Warning, text, state.queue.clock().now());
    killer.kill();
    // The upload stays unanswered until its client is gone for certain.
    tokio::time::timeout(EXIT_WAIT_MAX, exits.changed())
        .await
        .ok();
    drop(held);
}
