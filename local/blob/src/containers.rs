//! The operations on containers.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LAST_MODIFIED};
use axum::response::Response;

use super::failure::Failure;
use super::storage::{BlobStorage, Stamp};
use stand_in::http_date;

pub(super) fn create(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    let stamp = storage.add_container(name)?;
    state(StatusCode::CREATED, &stamp)
}

pub(super) fn properties(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    let stamp = storage.container(name)?;
    state(StatusCode::OK, &stamp)
}

pub(super) fn delete(storage: &BlobStorage, name: &str) -> Result<Response, Failure> {
    storage.delete_container(name)?;
    let response = Response::builder().status(StatusCode::ACCEPTED);
    Ok(response.body(Body::empty())?)
}

fn state(status: StatusCode, stamp: &Stamp) -> Result<Response, Failure> {
    let response = Response::builder()
        .status(status)
        .header(ETAG, &stamp.etag)
        .header(LAST_MODIFIED, http_date::format(stamp.last_modified));
    Ok(response.body(Body::empty())?)
}
