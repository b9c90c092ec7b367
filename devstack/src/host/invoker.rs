//! Sends one invocation over HTTP.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use uuid::Uuid;

use super::answer::{Answer, judge};
use super::delivered::Failure;

/// A version of the host that exists, for handlers that look.
const HOST_VERSION: &str = "4.1054.250.26428";

/// What came of a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// The handler answered, or broke off.
    Answer(Answer),
    /// Nobody listens: the invocation did not reach the handler.
    NotListening,
}

/// Calls one function of one handler.
#[derive(Debug)]
pub(super) struct Invoker {
    client: reqwest::Client,
    url: String,
    chunked: AtomicBool,
}

impl Invoker {
    pub(super) fn new(client: reqwest::Client, handler_url: &str, function: &str) -> Self {
        let url = format!("{}/{function}", handler_url.trim_end_matches('/'));
        Self {
            client,
            url,
            chunked: AtomicBool::new(false),
        }
    }

    /// Posts one invocation under an id of its own, chunked and with Content-Length by turns: Azure sends the one,
    /// Core Tools the other.
    pub(super) async fn call(&self, body: Bytes) -> Reply {
        let chunked = self.chunked.fetch_xor(true, Ordering::Relaxed);
        let body = if chunked {
            reqwest::Body::wrap(Chunked::of(body))
        } else {
            body.into()
        };
        let request = self
            .client
            .post(&self.url)
            .header("X-Azure-Functions-HostVersion", HOST_VERSION)
            .header("X-Azure-Functions-InvocationId", Uuid::new_v4().to_string())
            .header("User-Agent", format!("Azure-Functions-Host/{HOST_VERSION}"))
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body);
        match request.send().await {
            Ok(response) => {
                Reply::Answer(read(response).await.unwrap_or_else(|error| broken(&error)))
            }
            Err(error) if error.is_connect() => Reply::NotListening,
            Err(error) => Reply::Answer(broken(&error)),
        }
    }
}

async fn read(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok().map(str::to_owned));
    let body = response.bytes().await?;
    Ok(judge(status, content_type.as_deref(), &body))
}

/// The innermost cause tells most: "connection reset by peer".
fn broken(error: &reqwest::Error) -> Answer {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Answer::Failure(Failure::Connection(cause.to_string()))
}

/// A body in two pieces that does not tell its length, which makes it chunked on the wire.
struct Chunked {
    pieces: [Bytes; 2],
}

impl Chunked {
    fn of(mut body: Bytes) -> Self {
        let rest = body.split_off(body.len() / 2);
        Self {
            pieces: [body, rest],
        }
    }
}

impl Body for Chunked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self
            .pieces
            .iter_mut()
            .find(|piece| !piece.is_empty())
            .map(std::mem::take);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }
}
