//! Sends one invocation over HTTP.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use uuid::Uuid;

use super::answer::{Answer, judge};
use super::client::{Client, Content};
use super::delivered::Failure;
use super::error::HostError;

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
    client: Client,
    url: Uri,
    chunked: AtomicBool,
}

impl Invoker {
    /// To call `function` of the handler at this address.
    pub(super) fn new(client: Client, handler: &str, function: &str) -> Result<Self, HostError> {
        let url = format!("{}/{function}", handler.trim_end_matches('/'));
        let url = url.parse::<Uri>().ok().filter(can_be_called);
        Ok(Self {
            client,
            url: url.ok_or_else(|| HostError::HandlerUrl(handler.to_owned()))?,
            chunked: AtomicBool::new(false),
        })
    }

    /// Posts one invocation under an id of its own, chunked and with Content-Length by turns: Azure sends the one,
    /// Core Tools the other.
    pub(super) async fn call(&self, body: Bytes) -> Reply {
        let chunked = self.chunked.fetch_xor(true, Ordering::Relaxed);
        let content = if chunked {
            Content::chunked(body)
        } else {
            Content::with_length(body)
        };
        let request = Request::post(self.url.clone())
            .header("X-Azure-Functions-HostVersion", HOST_VERSION)
            .header("X-Azure-Functions-InvocationId", Uuid::new_v4().to_string())
            .header(USER_AGENT, format!("Azure-Functions-Host/{HOST_VERSION}"))
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(content);
        let request = match request {
            Ok(request) => request,
            Err(error) => return Reply::Answer(broken(&error)),
        };
        match self.client.send(request).await {
            Ok(response) => {
                Reply::Answer(read(response).await.unwrap_or_else(|error| broken(&error)))
            }
            Err(error) if error.is_connect() => Reply::NotListening,
            Err(error) => Reply::Answer(broken(&error)),
        }
    }
}

fn can_be_called(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTP) && url.host().is_some_and(|host| !host.is_empty())
}

async fn read(response: Response<Incoming>) -> Result<Answer, axum::Error> {
    let (head, body) = response.into_parts();
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let body = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await?;
    Ok(judge(head.status.as_u16(), content_type, &body))
}

/// The innermost cause tells most: "connection reset by peer".
fn broken(error: &dyn Error) -> Answer {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Answer::Failure(Failure::Connection(cause.to_string()))
}
