//! `/api/blobs`: what the storage holds, and how it came to that.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Shared;
use super::text::{Body, contents, timestamp};
use crate::blob::{Blob, Write};

/// Blobs in the list: those that were written last.
const BLOBS_MAX: usize = 100;

/// Writes among which those blobs are looked for.
const WRITES_SEARCHED: usize = 5_000;

/// Versions of a blob that are shown: the newest.
const VERSIONS_MAX: usize = 50;

/// Which writes.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    after: usize,
}

/// `GET /api/blobs/history`: every accepted write of this run, oldest first.
pub(super) async fn history(
    State(shared): State<Arc<Shared>>,
    Query(which): Query<Which>,
) -> Json<Vec<Value>> {
    let writes = writes(&shared, which.after);
    Json(writes.iter().map(|write| written(write)).collect())
}

/// `GET /api/blobs`: the blobs that were written last, newest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<Value>> {
    let Some(blob) = &shared.blob else {
        return Json(Vec::new());
    };
    let storage = blob.storage();
    let writes = storage.writes(storage.writes_len().saturating_sub(WRITES_SEARCHED));
    let mut seen = BTreeSet::new();
    let newest = writes
        .iter()
        .rev()
        .filter(|write| seen.insert((&write.container, &write.name)));
    let entry = |write: &Arc<Write>| {
        let versions = storage.history(&write.container, &write.name).len();
        let mut entry = written(write);
        if let Value::Object(entry) = &mut entry {
            entry.insert("versions".to_owned(), versions.into());
            entry.insert("contents".to_owned(), contents(&write.blob.bytes).into());
        }
        entry
    };
    Json(newest.take(BLOBS_MAX).map(entry).collect())
}

/// `GET /api/blobs/{container}/{name}`: its versions, oldest first.
pub(super) async fn versions(
    State(shared): State<Arc<Shared>>,
    Path((container, name)): Path<(String, String)>,
) -> Json<Value> {
    let all = shared
        .blob
        .as_ref()
        .map_or_else(Vec::new, |blob| blob.storage().history(&container, &name));
    let skipped = all.len().saturating_sub(VERSIONS_MAX);
    let versions: Vec<Value> = all
        .iter()
        .enumerate()
        .skip(skipped)
        .map(|(index, blob)| version(index + 1, blob))
        .collect();
    Json(json!({ "container": container, "name": name, "versions": versions }))
}

fn writes(shared: &Shared, skip: usize) -> Vec<Arc<Write>> {
    let blob = shared.blob.as_ref();
    blob.map_or_else(Vec::new, |blob| blob.storage().writes(skip))
}

fn written(write: &Write) -> Value {
    let blob = &write.blob;
    json!({
        "container": write.container,
        "name": write.name,
        "etag": blob.etag,
        "at": timestamp(blob.last_modified),
        "length": blob.bytes.len(),
        "sha256": sha256(&blob.bytes),
        "metadata": metadata(blob),
    })
}

fn version(number: usize, blob: &Blob) -> Value {
    json!({
        "number": number,
        "etag": blob.etag,
        "at": timestamp(blob.last_modified),
        "contentType": blob.content_type,
        "metadata": metadata(blob),
        "body": Body::of(&blob.bytes),
    })
}

fn metadata(blob: &Blob) -> Map<String, Value> {
    let all = blob.metadata.iter();
    all.map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
}
