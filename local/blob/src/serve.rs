//! One request: read as a whole, through the faults to what it asks for, and its answer past the trap.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::State;
use axum::http::{Method, Request};
use axum::response::Response;
use bytes::Bytes;

use super::Shared;
use super::answer::Answer;
use super::dispatch::dispatch;
use super::failure::Failure;
use super::target::Target;

/// The largest body that is taken, in bytes.
const BODY_MAX: usize = 8 * 1024 * 1024;

/// Answers it.
pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
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
    let apply = async {
        match dispatch(&shared, &request) {
            Ok(response) => answer.success(response),
            Err(failure) => answer.failure(&failure),
        }
    };
    if !is_faulty(&request) {
        return apply.await;
    }
    let refuse = |status, code| answer.failure(&Failure::fault(status, code));
    let response = shared.faults.around(apply, refuse).await;
    match *request.method() {
        Method::PUT => shared.trap.pass(response).await,
        _ => response,
    }
}

/// Whether the request is one of those that faults apply to.
fn is_faulty(request: &Request<Bytes>) -> bool {
    let faulty = [Method::PUT, Method::DELETE, Method::HEAD].contains(request.method());
    faulty && matches!(Target::of(request.uri()), Ok(Target::Blob { .. }))
}
