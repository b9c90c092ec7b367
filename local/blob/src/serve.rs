//! One request: read as a whole, through the faults of its account to the operation it asks for, and
//! its answer past the trap.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;

use crate::answer::{Answer, Failure};
use crate::handle::{AccountState, Accounts};
use crate::target::{Target, account_of, query};
use crate::{listing, operations, shared_key};

/// The largest body that is taken, in bytes.
const BODY_MAX: usize = 8 * 1024 * 1024;

pub(crate) async fn serve(
    State(accounts): State<Accounts>,
    request: axum::extract::Request,
) -> Response {
    let answer = Answer::to(&request);
    let (parts, body) = request.into_parts();
    let too_large = || answer.failure(&Failure::body_too_large());
    // What is announced as too large is refused before it is read.
    if body.size_hint().lower() > BODY_MAX as u64 {
        return too_large();
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return too_large();
    };
    let request = Request::from_parts(parts, body);
    let state = match account(&accounts, request.uri()) {
        Ok(state) => state,
        Err(failure) => return answer.failure(&failure),
    };
    let apply = async {
        match dispatch(state, &request) {
            Ok(response) => answer.success(response),
            Err(failure) => answer.failure(&failure),
        }
    };
    if !is_faulty(state, &request) {
        return apply.await;
    }
    let refuse = |status, code| answer.failure(&Failure::fault(status, code));
    let response = state.faults.around(apply, refuse).await;
    match *request.method() {
        Method::PUT => state.trap.pass(response).await,
        _ => response,
    }
}

/// Whose the request is.
fn account<'a>(accounts: &'a Accounts, uri: &Uri) -> Result<&'a AccountState, Failure> {
    let name = account_of(uri.path());
    let found = accounts.iter().find(|state| state.account.name == name);
    found.map(Arc::as_ref).ok_or_else(|| {
        let known = accounts
            .iter()
            .map(|state| format!("/{}", state.account.name));
        let known = known.collect::<Vec<_>>().join(" or ");
        let message = format!("The path must begin with {known}: there is no other account.");
        Failure::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    })
}

/// Whether the request is one of those that the account's faults apply to.
fn is_faulty(state: &AccountState, request: &Request<Bytes>) -> bool {
    if state.account.reads_are_faulty {
        return request.headers().contains_key(AUTHORIZATION);
    }
    let faulty = [Method::PUT, Method::DELETE, Method::HEAD].contains(request.method());
    faulty && matches!(Target::read(request.uri()), Ok(Target::Blob { .. }))
}

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
fn dispatch(state: &AccountState, request: &Request<Bytes>) -> Result<Response, Failure> {
    shared_key::authorize(state.account, request, OffsetDateTime::now_utc())?;
    refuse_unsupported(request)?;
    let uri = request.uri();
    let target = Target::read(uri)?;
    let restype = query(uri, "restype");
    let comp = query(uri, "comp");
    let storage = &state.storage;
    match (
        &target,
        request.method().as_str(),
        restype.as_deref(),
        comp.as_deref(),
    ) {
        (Target::Account, "GET", None, Some("list")) => listing::containers(state, uri),
        (Target::Container(name), "PUT", Some("container"), None) => {
            operations::create_container(storage, name)
        }
        (Target::Container(name), "GET" | "HEAD", Some("container"), None) => {
            operations::container_properties(storage, name)
        }
        (Target::Container(name), "DELETE", Some("container"), None) => {
            operations::delete_container(storage, name)
        }
        (Target::Container(name), "GET", Some("container"), Some("list")) => {
            listing::blobs(state, name, uri)
        }
        (Target::Blob { container, name }, "PUT", None, None) => {
            operations::put_blob(storage, container, name, request)
        }
        (Target::Blob { container, name }, "GET", None, None) => {
            operations::get_blob(storage, container, name, request.headers())
        }
        (Target::Blob { container, name }, "HEAD", None, None) => {
            operations::blob_properties(storage, container, name, request.headers())
        }
        (Target::Blob { container, name }, "DELETE", None, None) => {
            operations::delete_blob(storage, container, name, request.headers())
        }
        _ => Err(unknown_operation(request)),
    }
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
