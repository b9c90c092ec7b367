//! The operations on block blobs and containers: what their headers ask, and what is answered.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use stand_in::http_date;

use crate::answer::Failure;
use crate::headers::{METADATA_PREFIX, conditions, metadata, range, text};
use crate::storage::{Blob, BlobStorage, Stamp, Upload};

pub(crate) fn put_blob(
    storage: &BlobStorage,
    container: &str,
    name: &str,
    request: &Request<Bytes>,
) -> Result<Response, Failure> {
    let headers = request.headers();
    match text(headers, "x-ms-blob-type")? {
        Some("BlockBlob") => {}
        Some(other) => {
            let message = format!("x-ms-blob-type is {other}; only BlockBlob is known here.");
            return Err(Failure::bad_request("InvalidHeaderValue", message));
        }
        None => {
            let message = "The header x-ms-blob-type is missing.";
            return Err(Failure::bad_request("MissingRequiredHeader", message));
        }
    }
    if !headers.contains_key(CONTENT_LENGTH) {
        let status = StatusCode::LENGTH_REQUIRED;
        let message = "The Content-Length header was not specified.";
        return Err(Failure::new(status, "MissingContentLengthHeader", message));
    }
    let content_type = match text(headers, "x-ms-blob-content-type")? {
        Some(given) => Some(given),
        None => text(headers, CONTENT_TYPE.as_str())?,
    };
    let upload = Upload {
        bytes: request.body().clone(),
        metadata: metadata(headers)?,
        content_type: content_type
            .unwrap_or("application/octet-stream")
            .to_owned(),
    };
    let blob = storage.put(container, name, upload, &conditions(headers)?)?;
    let response = Response::builder()
        .status(StatusCode::CREATED)
        .header(ETAG, &blob.etag)
        .header(LAST_MODIFIED, http_date::format(blob.last_modified))
        .header("x-ms-request-server-encrypted", "true");
    Ok(response.body(Body::empty())?)
}

pub(crate) fn get_blob(
    storage: &BlobStorage,
    container: &str,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let blob = storage.get(container, name, &conditions(headers)?)?;
    let Some(range) = range(headers, blob.bytes.len())? else {
        return Ok(described(&blob).body(blob.bytes.into())?);
    };
    let last = range.end.saturating_sub(1);
    let content_range = format!("bytes {}-{last}/{}", range.start, blob.bytes.len());
    let response = described(&blob)
        .status(StatusCode::PARTIAL_CONTENT)
        .header(CONTENT_RANGE, content_range);
    Ok(response.body(blob.bytes.slice(range).into())?)
}

pub(crate) fn blob_properties(
    storage: &BlobStorage,
    container: &str,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let blob = storage.get(container, name, &conditions(headers)?)?;
    let response = described(&blob).header(CONTENT_LENGTH, blob.bytes.len());
    Ok(response.body(Body::empty())?)
}

pub(crate) fn delete_blob(
    storage: &BlobStorage,
    container: &str,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    storage.delete(container, name, &conditions(headers)?)?;
    let response = Response::builder()
        .status(StatusCode::ACCEPTED)
        .header("x-ms-delete-type-permanent", "true");
    Ok(response.body(Body::empty())?)
}

/// The headers that GET and HEAD have in common.
fn described(blob: &Blob) -> Builder {
    let mut response = Response::builder()
        .header(CONTENT_TYPE, &blob.content_type)
        .header(ETAG, &blob.etag)
        .header(LAST_MODIFIED, http_date::format(blob.last_modified))
        .header(ACCEPT_RANGES, "bytes")
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-server-encrypted", "true");
    for (name, value) in &blob.metadata {
        response = response.header(format!("{METADATA_PREFIX}{name}"), value);
    }
    response
}

pub(crate) fn create_container(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    let stamp = storage.add_container(name)?;
    stamped(StatusCode::CREATED, &stamp)
}

pub(crate) fn container_properties(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    let stamp = storage.container(name)?;
    stamped(StatusCode::OK, &stamp)
}

pub(crate) fn delete_container(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    storage.delete_container(name)?;
    let response = Response::builder().status(StatusCode::ACCEPTED);
    Ok(response.body(Body::empty())?)
}

fn stamped(status: StatusCode, stamp: &Stamp) -> Result<Response, Failure> {
    let response = Response::builder()
        .status(status)
        .header(ETAG, &stamp.etag)
        .header(LAST_MODIFIED, http_date::format(stamp.last_modified));
    Ok(response.body(Body::empty())?)
}
