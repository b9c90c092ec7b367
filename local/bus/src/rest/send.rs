//! The sending side: a request becomes messages, and the queue takes all of them or none.

mod request;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::shared::{Refusal, Shared};
use crate::queue::SendRefused;
use request::{LARGEST_MESSAGE, SendError};

/// `POST /{queue}/messages`: 201 when the queue has it.
pub(super) async fn send(
    State(door): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let queue = door.queue(&name)?;
    door.authorize(&headers, queue)?;
    // One byte more than allowed is read: enough to know that it is too large.
    let body = axum::body::to_bytes(body, LARGEST_MESSAGE + 1)
        .await
        .map_err(|_| too_large(&headers))?;
    let sent =
        request::messages(&headers, body).map_err(|error| (status(&error), error.to_string()))?;
    for hint in sent.hints {
        door.hint(hint);
    }
    queue.send(sent.messages).map_err(|error| refused(&error))?;
    Ok(StatusCode::CREATED.into_response())
}

fn status(error: &SendError) -> StatusCode {
    match error {
        SendError::Property(_) | SendError::Batch(_) => StatusCode::BAD_REQUEST,
        SendError::TooLarge(_) => StatusCode::FORBIDDEN,
    }
}

fn refused(refused: &SendRefused) -> Refusal {
    let status = match refused {
        SendRefused::NoSession => StatusCode::BAD_REQUEST,
        SendRefused::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, refused.to_string())
}

fn too_large(headers: &HeaderMap) -> Refusal {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let error = SendError::TooLarge(length.unwrap_or(LARGEST_MESSAGE + 1));
    (status(&error), error.to_string())
}
