//! `/api/blobs`: what the storage holds, and how it came to that.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use blob::{Blob, Versions, Write};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::After;
use super::state::DashboardState;
use super::text::{ShownBody, contents, timestamp};

/// Blobs in the list: those that were written last.
const BLOBS_MAX: usize = 100;

/// Writes among which those blobs are looked for.
const WRITES_SEARCHED_MAX: usize = 5_000;

/// Versions of a blob that are shown: the newest.
const VERSIONS_MAX: usize = 50;

/// `GET /api/blobs/history`: every accepted write of this run, oldest first.
pub(super) async fn history(
    State(state): State<Arc<DashboardState>>,
    Query(from): Query<After>,
) -> Json<Vec<Write>> {
    let blob = state.blob.as_ref();
    Json(blob.map_or_else(Vec::new, |blob| blob.storage().writes_after(from.after)))
}

/// A blob as the list has it.
#[derive(Debug, Serialize)]
pub(super) struct ListedBlob {
    #[serde(flatten)]
    write: Write,
    versions: usize,
    contents: String,
}

/// `GET /api/blobs`: the blobs that were written last, newest first.
pub(super) async fn list(State(state): State<Arc<DashboardState>>) -> Json<Vec<ListedBlob>> {
    let Some(blob) = &state.blob else {
        return Json(Vec::new());
    };
    let storage = blob.storage();
    let writes = storage.writes_after(storage.writes_len().saturating_sub(WRITES_SEARCHED_MAX));
    let mut seen = BTreeSet::new();
    let newest = writes
        .iter()
        .rev()
        .filter(|write| seen.insert((&write.container, &write.name)));
    let entry = |write: &Write| {
        let versions = storage.versions(&write.container, &write.name);
        let newest = versions.kept.back();
        ListedBlob {
            write: write.clone(),
            versions: versions.forgotten + versions.kept.len(),
            contents: newest.map_or_else(String::new, |blob| contents(&blob.bytes)),
        }
    };
    Json(newest.take(BLOBS_MAX).map(entry).collect())
}

/// `GET /api/blobs/{container}/{name}`: its versions, oldest first.
pub(super) async fn versions(
    State(state): State<Arc<DashboardState>>,
    Path((container, name)): Path<(String, String)>,
) -> Json<Value> {
    let blob = state.blob.as_ref();
    let Versions { forgotten, kept } = blob.map_or_else(Versions::default, |blob| {
        blob.storage().versions(&container, &name)
    });
    let skipped = kept.len().saturating_sub(VERSIONS_MAX);
    let numbered = (forgotten + 1..).zip(&kept).skip(skipped);
    let versions: Vec<Value> = numbered
        .map(|(number, blob)| version(number, blob))
        .collect();
    Json(json!({ "container": container, "name": name, "versions": versions }))
}

fn version(number: usize, blob: &Blob) -> Value {
    json!({
        "number": number,
        "etag": blob.etag,
        "at": timestamp(blob.last_modified),
        "contentType": blob.content_type,
        "metadata": metadata(blob),
        "body": ShownBody::from_bytes(&blob.bytes),
    })
}

fn metadata(blob: &Blob) -> Map<String, Value> {
    let all = blob.metadata.iter();
    all.map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect()
}
