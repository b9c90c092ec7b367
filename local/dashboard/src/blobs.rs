//! `/api/blobs`: what the storage holds, and how it came to that.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use blob::{Blob, StoredBlob, Versions, Write};
use serde_json::{Map, Value, json};

use super::model::Model;
use super::request::{After, Problem, problem};
use super::state::DashboardState;
use super::text::{ShownBody, contents, timestamp};

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

/// A blob as a list has it, with the mailed order that is newer than what it holds.
pub(super) fn listed(stored: &StoredBlob, model: &Model) -> Value {
    let StoredBlob {
        container,
        name,
        blob,
        versions,
    } = stored;
    let sequence = blob.metadata.get("sequence");
    let sequence = sequence.and_then(|number| number.parse().ok());
    json!({
        "container": container,
        "name": name,
        "at": timestamp(blob.last_modified),
        "length": blob.bytes.len(),
        "sequence": sequence,
        "versions": versions,
        "contents": contents(&blob.bytes),
        "newerMail": model.newer_mail(name, sequence, blob.last_modified),
    })
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
    let newest = kept.back();
    let sequence = newest.and_then(|blob| blob.metadata.get("sequence")?.parse().ok());
    let newer_mail =
        newest.and_then(|blob| (state.model()).newer_mail(&name, sequence, blob.last_modified));
    Json(json!({
        "container": container,
        "name": name,
        "versions": versions,
        "newerMail": newer_mail,
    }))
}

/// `GET /api/blobs/{container}/{name}/{version}`: a version, to be saved byte for byte.
pub(super) async fn content(
    State(state): State<Arc<DashboardState>>,
    Path((container, name, version)): Path<(String, String, usize)>,
) -> Result<Response, Problem> {
    let blob = state.blob.as_ref();
    let versions = blob.map(|blob| blob.storage().versions(&container, &name));
    let Versions { forgotten, kept } = versions.unwrap_or_default();
    let index = version.checked_sub(forgotten + 1);
    let found = index.and_then(|index| kept.get(index)).ok_or_else(|| {
        let text = format!("version {version} of that blob is not remembered");
        problem(StatusCode::NOT_FOUND, text)
    })?;
    // Its name is the link's to give: what anyone may have written is no header.
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, found.bytes.clone()).into_response())
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
