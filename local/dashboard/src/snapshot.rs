//! What a page shows: all of it, or what changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use logic_app::mail::OutboxReader;
use serde_json::{Value, json};

use super::state::DashboardState;

/// Messages in a snapshot, and the most in one tick: a page shows no more.
const MESSAGES_MAX: usize = 100;

/// `GET /api/state`.
pub(super) async fn whole(State(state): State<Arc<DashboardState>>) -> Json<Value> {
    let mut page = parts(&state);
    let model = state.model();
    let links = state.links().clone();
    let links: Vec<Value> = links
        .iter()
        .map(|(name, url)| json!({ "name": name, "url": url }))
        .collect();
    let activity: Vec<_> = model.activity.all().collect();
    let messages: Vec<_> = model.newest(MESSAGES_MAX).collect();
    let has = json!({
        "storage": state.blob.is_some(),
        "logicApp": state.logic_app.is_some(),
        "outbox": state.outbox.is_some(),
    });
    insert(&mut page, "revision", model.revision().into());
    insert(&mut page, "totals", json!(model.totals));
    insert(&mut page, "activity", json!(activity));
    insert(&mut page, "links", links.into());
    insert(&mut page, "has", has);
    insert(&mut page, "queue", state.queue.name().into());
    insert(&mut page, "messages", json!(messages));
    Json(page)
}

/// What a tick says: what changed since the last one, and all that is small.
pub(super) fn changes(state: &DashboardState) -> Value {
    let mut page = parts(state);
    let mut model = state.model();
    insert(&mut page, "revision", model.revision().into());
    insert(&mut page, "totals", json!(model.totals));
    insert(&mut page, "activity", json!(model.activity.take_new()));
    insert(
        &mut page,
        "messages",
        json!(model.take_changed(MESSAGES_MAX)),
    );
    page
}

/// The parts at this moment; the model is not locked meanwhile.
fn parts(state: &DashboardState) -> Value {
    let blob = state.blob.as_ref();
    let logic_app = state.logic_app.as_ref();
    json!({
        "counts": state.queue.counts(),
        "faults": state.faults(),
        "handler": { "ready": state.killer.is_ready(), "armed": state.armed.borrow().is_some() },
        "writes": blob.map_or(0, |blob| blob.storage().writes_len()),
        "refused": {
            "storage": blob.map_or(0, |blob| blob.faults().connections_refused()),
            "logicApp": logic_app.map_or(0, |logic_app| logic_app.faults().connections_refused()),
        },
        "mails": state.outbox.as_ref().map_or(0, OutboxReader::last_number),
    })
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(name.to_owned(), value);
    }
}
