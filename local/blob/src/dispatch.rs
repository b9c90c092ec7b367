//! From a request to the operation it asks for.

use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;

use super::failure::Failure;
use super::target::Target;
use super::{Shared, block_blobs, containers, listing, shared_key};

/// Headers of writes that mean something this endpoint cannot do.
const UNSUPPORTED_ON_WRITES: [&str; 7] = [
    "if-modified-since",
    "if-unmodified-since",
    "x-ms-copy-source",
    "x-ms-encryption-key",
    "x-ms-if-tags",
    "x-ms-lease-id",
    "x-ms-tags",
];

/// Query parameters that mean something this endpoint cannot do.
const UNSUPPORTED_IN_QUERIES: [&str; 3] = ["delimiter", "snapshot", "versionid"];

/// Checks who asks, and does what is asked.
pub(super) fn dispatch(shared: &Shared, request: &Request<Bytes>) -> Result<Response, Failure> {
    shared_key::authorize(request, OffsetDateTime::now_utc())?;
    refuse_unsupported(request)?;
    let uri = request.uri();
    let target = Target::of(uri)?;
    let restype = query(uri, "restype");
    let comp = query(uri, "comp");
    let storage = &shared.storage;
    match (
        &target,
        request.method().as_str(),
        restype.as_deref(),
        comp.as_deref(),
    ) {
        (Target::Account, "GET", None, Some("list")) => listing::containers(shared, uri),
        (Target::Container(name), "PUT", Some("container"), None) => {
            containers::create(storage, name)
        }
        (Target::Container(name), "GET" | "HEAD", Some("container"), None) => {
            containers::properties(storage, name)
        }
        (Target::Container(name), "DELETE", Some("container"), None) => {
            containers::delete(storage, name)
        }
        (Target::Container(name), "GET", Some("container"), Some("list")) => {
            listing::blobs(shared, name, uri)
        }
        (Target::Blob { container, name }, "PUT", None, None) => {
            block_blobs::put(storage, container, name, request)
        }
        (Target::Blob { container, name }, "GET", None, None) => {
            block_blobs::get(storage, container, name, request.headers())
        }
        (Target::Blob { container, name }, "HEAD", None, None) => {
            block_blobs::properties(storage, container, name, request.headers())
        }
        (Target::Blob { container, name }, "DELETE", None, None) => {
            block_blobs::delete(storage, container, name, request.headers())
        }
        _ => Err(unknown_operation(request)),
    }
}

/// A parameter of the query; names in any case.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

/// A condition that is ignored is a write that should not have happened.
fn refuse_unsupported(request: &Request<Bytes>) -> Result<(), Failure> {
    let is_write = matches!(*request.method(), Method::PUT | Method::DELETE);
    let header = UNSUPPORTED_ON_WRITES
        .iter()
        .find(|&&name| is_write && request.headers().contains_key(name));
    if let Some(name) = header {
        return Err(Failure::not_implemented(&format!("the header {name}")));
    }
    let parameter = UNSUPPORTED_IN_QUERIES
        .iter()
        .find(|name| query(request.uri(), name).is_some());
    if let Some(name) = parameter {
        return Err(Failure::not_implemented(&format!("the parameter {name}")));
    }
    Ok(())
}

fn unknown_operation(request: &Request<Bytes>) -> Failure {
    let method = request.method();
    let known = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
    if !known.contains(method) {
        let message = format!("The resource does not support {method}.");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Failure::new(status, "UnsupportedHttpVerb", message);
    }
    let path = request.uri().path();
    let restype = query(request.uri(), "restype").unwrap_or_default();
    let comp = query(request.uri(), "comp").unwrap_or_default();
    Failure::not_implemented(&format!(
        "{method} {path} with restype={restype} and comp={comp}"
    ))
}
