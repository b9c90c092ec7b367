//! One invocation over HTTP: the host's request, and the host's verdict on what comes back.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::client::{Content, HandlerClient};
use super::error::HostError;
use super::events::InvocationFailure;

/// A version of the host that exists, for handlers that look.
const HOST_VERSION: &str = "4.1054.250.26428";

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Invoked {
    /// The message is completed.
    Success(Success),
    /// The host has an answer and never notices: it waits for functionTimeout.
    Hang { status: u16, what: &'static str },
    /// The message is abandoned.
    Failure(InvocationFailure),
    /// Nobody listens: the invocation did not reach the handler.
    NotListening,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) logs: Vec<String>,
}

/// Calls one function of one handler.
#[derive(Debug)]
pub(super) struct Invoker {
    client: HandlerClient,
    url: Uri,
    chunked: AtomicBool,
}

impl Invoker {
    /// To call `function` of the handler at this address.
    pub(super) fn new(
        client: HandlerClient,
        handler: &str,
        function: &str,
    ) -> Result<Self, HostError> {
        let url = format!("{}/{function}", handler.trim_end_matches('/'));
        let url = url.parse::<Uri>().ok().filter(can_be_called);
        Ok(Self {
            client,
            url: url.ok_or_else(|| HostError::HandlerUrl(handler.to_owned()))?,
            chunked: AtomicBool::new(false),
        })
    }

    /// Posts one invocation under an id of its own, chunked and with Content-Length by turns: Azure
    /// sends the one, Core Tools the other.
    pub(super) async fn call(&self, body: Bytes) -> Invoked {
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

/// Judges an answer that came over the wire.
pub(super) fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Invoked {
    if !(200..300).contains(&status) {
        return Invoked::Failure(InvocationFailure::Status(status));
    }
    if body.is_empty() {
        return Invoked::Hang {
            status,
            what: "an empty body",
        };
    }
    let bad = |problem: String| Invoked::Failure(InvocationFailure::BadAnswer { status, problem });
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or("no content type")
        .trim();
    if !["application/json", "text/json"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
    {
        return bad(format!("expected application/json, found {media_type}"));
    }
    if body.trim_ascii().is_empty() {
        return Invoked::Hang {
            status,
            what: "a blank body",
        };
    }
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Invoked::Hang {
            status,
            what: "null",
        },
        Ok(Value::Object(answer)) => match logs(&answer) {
            Ok(logs) => Invoked::Success(Success { status, logs }),
            Err(problem) => bad(problem),
        },
        Ok(other) => bad(format!("expected a JSON object, found {other}")),
        Err(error) => bad(format!("expected a JSON object: {error}")),
    }
}

fn logs(answer: &Map<String, Value>) -> Result<Vec<String>, String> {
    match member(answer, "Outputs") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(other) => return Err(format!("Outputs: expected an object, found {other}")),
    }
    match member(answer, "Logs") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(lines)) => Ok(lines.iter().map(line).collect()),
        Some(other) => Err(format!("Logs: expected an array, found {other}")),
    }
}

/// By its exact name first, then in any case.
fn member<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let any_case = || {
        answer
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    answer.get(name).or_else(any_case)
}

fn line(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Invoked {
        judge(
            200,
            Some("application/json; charset=utf-8"),
            body.as_bytes(),
        )
    }

    fn success(logs: &[&str]) -> Invoked {
        Invoked::Success(Success {
            status: 200,
            logs: logs.iter().map(|line| (*line).to_owned()).collect(),
        })
    }

    #[test]
    fn an_object_is_success_whatever_it_holds() {
        assert_eq!(json("{}"), success(&[]));
        assert_eq!(
            json(r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#),
            success(&[])
        );
        assert_eq!(
            json(r#"{"logs":["a",1],"more":true}"#),
            success(&["a", "1"])
        );
        assert_eq!(
            judge(299, Some("TEXT/JSON"), b"{}"),
            Invoked::Success(Success {
                status: 299,
                logs: Vec::new()
            })
        );
    }

    #[test]
    fn an_empty_or_null_success_hangs() {
        for (status, content_type, body) in [
            (200, None, ""),
            (204, None, ""),
            (200, Some("text/plain"), ""),
            (200, Some("application/json"), " null "),
        ] {
            let answer = judge(status, content_type, body.as_bytes());
            assert!(
                matches!(answer, Invoked::Hang { .. }),
                "{status} {content_type:?} {body:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn everything_else_fails() {
        for status in [199, 300, 400, 404, 500, 503] {
            assert_eq!(
                judge(status, Some("application/json"), b"{}"),
                Invoked::Failure(InvocationFailure::Status(status))
            );
        }
        for (content_type, body) in [
            (Some("text/plain"), "ok"),
            (None, "{}"),
            (Some("application/json"), "[]"),
            (Some("application/json"), "\"ok\""),
            (Some("application/json"), "{"),
            (Some("application/json"), r#"{"Logs":"text"}"#),
            (Some("application/json"), r#"{"Outputs":[]}"#),
        ] {
            let answer = judge(200, content_type, body.as_bytes());
            assert!(
                matches!(
                    answer,
                    Invoked::Failure(InvocationFailure::BadAnswer { .. })
                ),
                "{body}: {answer:?}"
            );
        }
    }
}
