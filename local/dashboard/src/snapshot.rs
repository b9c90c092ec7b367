//! What a page shows: all of it, or what changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use host::Killer;
use host::app::Settings;
use logic_app::mail::OutboxReader;
use serde::Serialize;
use serde_json::{Value, json};

use super::state::DashboardState;
use super::text::timestamp;

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
    let pulse = json!(model.pulse.shown());
    let has = json!({
        "storage": state.blob.is_some(),
        "shopStorage": state.shop_storage.is_some(),
        "bus": true,
        "logicApp": state.logic_app.is_some(),
        "outbox": state.outbox.is_some(),
        "handler": state.killer.is_some(),
        "shops": state.shops().len(),
    });
    insert(&mut page, "revision", model.revision().into());
    insert(&mut page, "totals", json!(model.totals));
    insert(&mut page, "activity", json!(activity));
    insert(&mut page, "links", links.into());
    insert(&mut page, "has", has);
    insert(&mut page, "queue", state.queue.name().into());
    insert(&mut page, "messages", json!(messages));
    insert(&mut page, "pulse", pulse);
    insert(&mut page, "started", timestamp(state.started).into());
    insert(&mut page, "limits", json!(limits(&state.settings)));
    Json(page)
}

/// What a tick says: what changed since the last one, and all that is small.
pub(super) fn changes(state: &DashboardState, is_another_second: bool) -> Value {
    let mut page = parts(state);
    let mut model = state.model();
    if is_another_second {
        insert(&mut page, "pulse", json!(model.pulse.shown()));
    }
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
        "paused": state.queue.is_paused(),
        "build": *state.build.borrow(),
        "log": state.model().log.last(),
        "handler": {
            "ready": state.killer.as_ref().is_some_and(Killer::is_ready),
            "armed": state.armed.borrow().is_some(),
        },
        "writes": blob.map_or(0, |blob| blob.storage().writes_len()),
        "refused": {
            "storage": blob.map_or(0, |blob| blob.faults().connections_refused()),
            "logicApp": logic_app.map_or(0, |logic_app| logic_app.faults().connections_refused()),
        },
        "mails": {
            "last": state.outbox.as_ref().map_or(0, OutboxReader::last_number),
            "count": state.outbox.as_ref().map_or(0, OutboxReader::count),
        },
    })
}

/// The function's time limits, in milliseconds: what an open request waits for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    upload: u64,
    fallback: u64,
}

fn limits(settings: &Settings) -> Limits {
    let milliseconds = |name: &str, default| {
        let set = settings.get(name).and_then(|text| text.trim().parse().ok());
        set.unwrap_or(default)
    };
    Limits {
        upload: milliseconds("UPLOAD_ATTEMPT_TIMEOUT_MS", 10_000),
        fallback: milliseconds("FALLBACK_TIMEOUT_MS", 100_000),
    }
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(name.to_owned(), value);
    }
}
