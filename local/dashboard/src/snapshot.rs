//! What a page shows: all of it, or what changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;
use super::model::Message;
use logic_app::mail::OutboxReader;

/// Messages in a snapshot, and the most in one tick: a page shows no more.
const SHOWN: usize = 100;

/// `GET /api/state`.
pub(super) async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut state = parts(&shared);
    let model = shared.model();
    let links = shared.links().clone();
    let links: Vec<Value> = links
        .iter()
        .map(|(name, url)| json!({ "name": name, "url": url }))
        .collect();
    insert(&mut state, "revision", model.revision().into());
    insert(&mut state, "totals", json!(model.totals));
    insert(
        &mut state,
        "activity",
        json!(model.activity.all().collect::<Vec<_>>()),
    );
    insert(&mut state, "links", links.into());
    insert(
        &mut state,
        "has",
        json!({
            "storage": shared.blob.is_some(),
            "logicApp": shared.logic_app.is_some(),
            "outbox": shared.outbox.is_some(),
        }),
    );
    insert(&mut state, "queue", shared.queue.name().into());
    insert(
        &mut state,
        "messages",
        json!(model.newest(SHOWN).collect::<Vec<&Message>>()),
    );
    Json(state)
}

/// What a tick says: what changed since the last one, and all that is small.
pub(super) fn changes(shared: &Shared) -> Value {
    let mut state = parts(shared);
    let mut model = shared.model();
    insert(&mut state, "revision", model.revision().into());
    insert(&mut state, "totals", json!(model.totals));
    insert(&mut state, "activity", json!(model.activity.take_new()));
    insert(&mut state, "messages", json!(model.take_changed(SHOWN)));
    state
}

/// The parts at this moment; the model is not locked meanwhile.
fn parts(shared: &Shared) -> Value {
    let blob = shared.blob.as_ref();
    let logic_app = shared.logic_app.as_ref();
    json!({
        "counts": shared.queue.counts(),
        "faults": shared.faults(),
        "handler": { "ready": shared.killer.is_ready(), "armed": shared.armed.borrow().is_some() },
        "writes": blob.map_or(0, |blob| blob.storage().writes_len()),
        "refused": {
            "storage": blob.map_or(0, |blob| blob.faults().connections_refused()),
            "logicApp": logic_app.map_or(0, |logic_app| logic_app.faults().connections_refused()),
        },
        "mails": shared.outbox.as_ref().map_or(0, OutboxReader::last_number),
    })
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(name.to_owned(), value);
    }
}
