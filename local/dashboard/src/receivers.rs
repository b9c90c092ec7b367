//! `/api/receivers`: who receives from the queue, which lock they hold since when; and how a network
//! or another receiver gets in their way.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bus::{HeldLock, HeldSession, Holder, Queue, Receiver};
use host::Level;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Problem, problem, read};
use super::state::DashboardState;
use super::text::timestamp;

/// Locks that are listed: the oldest.
const LOCKS_MAX: usize = 100;

/// `GET /api/receivers`.
pub(super) async fn list(State(state): State<Arc<DashboardState>>) -> Json<Value> {
    let queue = &state.queue;
    let mut locks = queue.held_locks();
    locks.sort_by_key(|lock| lock.since);
    let count = locks.len();
    locks.truncate(LOCKS_MAX);
    let mut sessions = queue.held_sessions();
    sessions.sort_by_key(|session| session.since);
    sessions.truncate(LOCKS_MAX);
    Json(json!({
        "receivers": queue.receivers().iter().map(receiver).collect::<Vec<_>>(),
        "lockCount": count,
        "locks": locks.iter().map(lock).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "refused": queue.refused_sessions(),
    }))
}

fn receiver(receiver: &Receiver) -> Value {
    json!({
        "id": receiver.id,
        "client": receiver.client,
        "link": receiver.link,
        "address": receiver.address,
        "since": timestamp(receiver.since),
        "deadLetters": receiver.dead_letters,
        "deletes": receiver.deletes,
        "session": receiver.session,
        "waitsForSession": receiver.waits_for_session,
        "credit": receiver.credit,
        "unsettled": receiver.unsettled,
    })
}

fn lock(lock: &HeldLock) -> Value {
    json!({
        "sequence": lock.sequence,
        "sessionId": lock.session_id,
        "deadLetter": lock.dead_letter,
        "by": holder(lock.by),
        "since": timestamp(lock.since),
        "until": timestamp(lock.until),
    })
}

/// Who holds the message, and until when; nothing when nobody does.
pub(super) fn held(queue: &Queue, sequence: u64) -> Option<Value> {
    let locks = queue.held_locks();
    let lock = locks.iter().find(|lock| lock.sequence == sequence)?;
    let client = match lock.by {
        Holder::Link(id) => {
            let receivers = queue.receivers();
            let holder = receivers.iter().find(|receiver| receiver.id == id);
            holder.map(|holder| holder.client.clone())
        }
        Holder::InProcess | Holder::Rest => None,
    };
    Some(json!({ "by": holder(lock.by), "client": client, "until": timestamp(lock.until) }))
}

fn session(session: &HeldSession) -> Value {
    json!({
        "sessionId": session.session_id,
        "by": holder(session.by),
        "since": timestamp(session.since),
        "until": timestamp(session.until),
    })
}

/// The number of a receiver in the list, or who has none.
fn holder(by: Holder) -> Value {
    match by {
        Holder::InProcess => "host".into(),
        Holder::Rest => "rest".into(),
        Holder::Link(id) => id.into(),
    }
}

/// `DELETE /api/receivers/{id}`: its connection is dropped without a word.
pub(super) async fn cut(
    State(state): State<Arc<DashboardState>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    if state.queue.cut_receivers(|receiver| receiver.id == id) == 0 {
        let text = format!("there is no receiver {id} any more");
        return Err(problem(StatusCode::NOT_FOUND, text));
    }
    note(
        &state,
        &format!("receiver {id}: its connection was dropped by hand"),
    );
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /api/locks/{sequence}`: its lock ends now. Who holds it is not told.
pub(super) async fn expire(
    State(state): State<Arc<DashboardState>>,
    Path(sequence): Path<u64>,
) -> Result<StatusCode, Problem> {
    let is_meant = |number| number == sequence;
    let ended = state.queue.lose_locks(is_meant) + state.queue.lose_letter_locks(is_meant);
    if ended == 0 {
        let text = format!("nobody holds #{sequence} any more");
        return Err(problem(StatusCode::NOT_FOUND, text));
    }
    note(&state, &format!("#{sequence}: its lock was ended by hand"));
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionWish {
    session: String,
    /// Nobody gets it from now on; who holds it keeps it.
    refused: Option<bool>,
    /// Its lock ends now.
    #[serde(default)]
    expired: bool,
}

/// `PUT /api/sessions`: `{"session": "S", "refused": true}`, or `"expired": true`.
pub(super) async fn put_session(
    State(state): State<Arc<DashboardState>>,
    Json(wish): Json<Value>,
) -> Result<StatusCode, Problem> {
    let wish: SessionWish = read(wish)?;
    if wish.expired && !state.queue.lose_session(&wish.session) {
        let text = "nobody holds that session any more";
        return Err(problem(StatusCode::NOT_FOUND, text));
    }
    if let Some(refused) = wish.refused {
        state.queue.refuse_session(&wish.session, refused);
    }
    state.model().touch();
    Ok(StatusCode::ACCEPTED)
}

fn note(state: &DashboardState, text: &str) {
    let now = state.queue.clock().now();
    state.model().note(Level::Warning, text, now);
}
