//! `/api/handler`: the handler is killed, now or in the middle of an upload.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;
use super::api::{Problem, problem};
use blob::BlobHandle;
use host::Level;

/// The end of a process that was killed; the limit only ends what cannot be.
const PATIENCE: Duration = Duration::from_secs(30);

/// `POST /api/handler/kill`.
pub(super) async fn kill(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.killer.kill();
    StatusCode::ACCEPTED
}

/// `POST /api/handler/kill-during-upload`.
pub(super) async fn arm(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    if shared.blob.is_none() {
        let text = "the storage is not part of this stack, so an upload cannot be seen";
        return Err(problem(StatusCode::CONFLICT, text));
    }
    let wish = |armed: &mut Option<u64>| *armed = Some(armed.unwrap_or_default() + 1);
    shared.armed.send_modify(wish);
    shared.model().touch();
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /api/handler/kill-during-upload`: it is not meant any more.
pub(super) async fn disarm(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.armed.send_replace(None);
    shared.model().touch();
    StatusCode::NO_CONTENT
}

/// Never ends.
pub(super) async fn kill_during_uploads(shared: Arc<Shared>) {
    let mut armed = shared.armed.subscribe();
    let Some(blob) = &shared.blob else { return };
    loop {
        // The sender lives as long as `shared`: there is no error to see.
        armed.wait_for(Option::is_some).await.ok();
        tokio::select! {
            () = kill_during_upload(&shared, blob) => {
                shared.armed.send_replace(None);
                shared.model().touch();
            }
            _ = armed.changed() => {}
        }
    }
}

async fn kill_during_upload(shared: &Shared, blob: &BlobHandle) {
    let mut exits = shared.exits.subscribe();
    let Ok(held) = blob.hold_next_upload().await else {
        return;
    };
    exits.mark_unchanged();
    let text = "an upload arrived, and the handler is killed before its answer";
    shared
        .model()
        .note(Level::Warning, text, shared.queue.clock().now());
    shared.killer.kill();
    // The upload stays unanswered until its client is gone for certain.
    tokio::time::timeout(PATIENCE, exits.changed()).await.ok();
    drop(held);
}
