//! One invocation over HTTP: the host's request, and what comes back.

use std::error::Error;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT};
use hyper::http::HeaderValue;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, Uri};
use uuid::Uuid;

use super::answer::{Invoked, judge};
use super::client::{Content, HandlerClient};
use super::error::HostError;
use super::events::InvocationFailure;

/// The host that this one was compared with.
const HOST_VERSION: &str = "4.1037.0.0";

/// How the content of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// In Azure.
    Chunked,
    /// Under Core Tools, where the host has read its own content for a log line before it sends it.
    Length,
}

/// Calls one function of one handler.
#[derive(Debug)]
pub(super) struct Invoker {
    client: HandlerClient,
    url: Uri,
    host: Authority,
    framing: Framing,
}

impl Invoker {
    /// To call `function` of the handler at this address.
    pub(super) fn new(
        client: HandlerClient,
        handler: &str,
        function: &str,
        framing: Framing,
    ) -> Result<Self, HostError> {
        let url = format!("{}/{function}", handler.trim_end_matches('/'));
        let url = url.parse::<Uri>().ok().filter(can_be_called);
        let host = url.as_ref().and_then(Uri::authority).cloned();
        let (Some(url), Some(host)) = (url, host) else {
            return Err(HostError::HandlerUrl(handler.to_owned()));
        };
        Ok(Self {
            client,
            url,
            host,
            framing,
        })
    }

    /// Posts one invocation under an id of its own, within this trace, if there is one. The order
    /// of the headers is the real host's.
    pub(super) async fn call(&self, body: Bytes, traceparent: Option<&str>) -> Invoked {
        let length = body.len();
        let mut request = Request::post(self.url.clone())
            .header(HOST, self.host.as_str())
            .header("X-Azure-Functions-HostVersion", HOST_VERSION)
            .header("X-Azure-Functions-InvocationId", Uuid::new_v4().to_string())
            .header(USER_AGENT, format!("Azure-Functions-Host/{HOST_VERSION}"));
        if self.framing == Framing::Chunked {
            request = request.header(TRANSFER_ENCODING, "chunked");
        }
        if let Some(trace) = traceparent {
            request = request.header("traceparent", trace);
        }
        request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
        if self.framing == Framing::Length {
            request = request.header(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let content = match self.framing {
            Framing::Chunked => Content::chunked(body),
            Framing::Length => Content::with_length(body),
        };
        let request = match request.body(content) {
            Ok(request) => request,
            Err(error) => return broken(&error),
        };
        match self.client.send(request).await {
            Ok(response) => read(response).await.unwrap_or_else(|error| broken(&error)),
            Err(error) if error.is_connect() => Invoked::NotListening,
            Err(error) => broken(&error),
        }
    }
}

fn can_be_called(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTP) && url.host().is_some_and(|host| !host.is_empty())
}

async fn read(response: Response<Incoming>) -> Result<Invoked, axum::Error> {
    let (head, body) = response.into_parts();
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let body = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await?;
    Ok(judge(head.status.as_u16(), content_type, &body))
}

/// The innermost cause tells most: "connection reset by peer".
fn broken(error: &dyn Error) -> Invoked {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Invoked::Failure(InvocationFailure::Connection(cause.to_string()))
}
