//! The storage's requests, straight over hyper's client.
//!
//! `reqwest` is that client with layers around it, for redirects, retries and proxies. All of them
//! are off here, and cost all the same: each request is copied for a retry that never comes, and
//! its URL is parsed once more for a redirect and for the answer. That was a sixth of what an
//! order costs. What does the work is the same as there: hyper-util's pool and resolver, rustls,
//! and the limits of the module above.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::Bytes;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use futures_util::TryStreamExt as _;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::{BodyDataStream, Full};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use super::{CONNECT_TIMEOUT, ClientError, IDLE_MAX, tls};

/// How long a connection is silent before the system asks whether its other end is there, how long
/// it then waits for each answer, and for how many: as `reqwest` has it.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// Opens a connection, TLS included, within [`CONNECT_TIMEOUT`].
type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// Sends the SDK's requests, each once.
#[derive(Clone)]
pub struct DirectClient {
    client: Client<Connector, Full<Bytes>>,
    agent: HeaderValue,
}

impl fmt::Debug for DirectClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectClient").finish_non_exhaustive()
    }
}

impl DirectClient {
    /// One that keeps connections open; `agent` is its `User-Agent`.
    ///
    /// # Errors
    /// When the TLS library refuses its set-up, or `agent` is no header; never because of the
    /// network.
    pub fn pooled(agent: &str) -> Result<Self, ClientError> {
        Self::keeping(usize::MAX, agent)
    }

    /// One that opens a connection for each request, and asks for the address anew: for what
    /// failed over a connection that was open.
    ///
    /// # Errors
    /// As [`Self::pooled`].
    pub fn unpooled(agent: &str) -> Result<Self, ClientError> {
        Self::keeping(0, agent)
    }

    /// One that keeps so many idle connections to a host.
    fn keeping(idle: usize, agent: &str) -> Result<Self, ClientError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false); // TLS goes on top
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT)); // in parts, where a name has addresses
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let connector = Connector::new(Timeout::new(https, CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(idle)
            .build(connector);
        let agent = HeaderValue::from_str(agent).map_err(http::Error::from)?;
        Ok(Self { client, agent })
    }

    /// The same request in the words of the `http` crate.
    fn translated(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
        let Body::Bytes(body) = request.body() else {
            let problem = "the body is a stream; expected bytes";
            return Err(Error::with_message(ErrorKind::Io, problem));
        };
        let mut translated = http::Request::new(Full::new(body.clone()));
        *translated.method_mut() = method(request)?;
        *translated.uri_mut() = request.url().as_str().parse().map_err(untranslatable)?;
        let headers = translated.headers_mut();
        headers.reserve(16);
        for (name, value) in request.headers().iter() {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
            let value = HeaderValue::from_str(value.as_str());
            headers.insert(
                name.map_err(untranslatable)?,
                value.map_err(untranslatable)?,
            );
        }
        let agent = headers.entry(USER_AGENT);
        agent.or_insert_with(|| self.agent.clone());
        Ok(translated)
    }
}

#[async_trait]
impl HttpClient for DirectClient {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.client.request(self.translated(request)?).await;
        let (head, body) = answer.map_err(unanswered)?.into_parts();
        let broke_off = |error| Error::with_error(ErrorKind::Io, error, "the answer broke off");
        Ok(AsyncRawResponse::new(
            head.status.as_u16().into(),
            answered(&head.headers),
            Box::pin(BodyDataStream::new(body).map_err(broke_off)),
        ))
    }
}

fn method(request: &Request) -> Result<Method, Error> {
    Method::from_bytes(request.method().as_str().as_bytes()).map_err(untranslatable)
}

/// The answer's headers in the SDK's words. A value that is no text says nothing to anybody here.
fn answered(headers: &HeaderMap) -> Headers {
    let mut texts = HashMap::with_capacity(headers.len());
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            let name = HeaderName::from(name.as_str().to_owned());
            texts.insert(name, value.to_owned().into());
        }
    }
    texts.into()
}

fn untranslatable(error: impl Into<http::Error>) -> Error {
    Error::with_error(
        ErrorKind::Other,
        error.into(),
        "a request that HTTP cannot carry",
    )
}

fn unanswered(error: hyper_util::client::legacy::Error) -> Error {
    let kind = match error.is_connect() {
        true => ErrorKind::Connection,
        false => ErrorKind::Io,
    };
    Error::with_error(kind, error, "no answer")
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;

    use super::*;

    fn client() -> DirectClient {
        DirectClient::pooled("order-items/1").unwrap()
    }

    fn request() -> Request {
        let url = "https://account.blob.core.windows.net/orders/a%2520b.json?sig=a%2Fb&timeout=10";
        let mut request = Request::new(url.parse().unwrap(), Method::Put);
        request.insert_header("x-ms-meta-sequence", "7");
        request.insert_header("content-length", "2");
        request.set_body(Bytes::from_static(b"{}"));
        request
    }

    #[test]
    fn a_request_is_sent_as_the_sdk_wrote_it() {
        let mut request = request();
        let translated = client().translated(&request).unwrap();
        assert_eq!(translated.method(), http::Method::PUT);
        assert_eq!(translated.uri().to_string(), request.url().as_str());
        let headers = translated.headers();
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-ms-meta-sequence"], "7");
        assert_eq!(headers[USER_AGENT], "order-items/1");
        request.insert_header("user-agent", "azsdk");
        let translated = client().translated(&request).unwrap();
        assert_eq!(
            translated.headers()[USER_AGENT],
            "azsdk",
            "the SDK's own goes before"
        );
    }

    #[test]
    fn what_http_cannot_carry_is_an_error() {
        let mut request = request();
        request.insert_header("x-ms-meta-messageid", "a\r\nx-ms-meta-sequence: 8");
        let error = client().translated(&request).unwrap_err();
        assert_eq!(error.to_string(), "a request that HTTP cannot carry");
        let refused = DirectClient::pooled("a\nb").unwrap_err().to_string();
        assert!(refused.starts_with("User-Agent: "), "{refused}");
    }

    #[test]
    fn the_answers_headers_are_read_whatever_their_case() {
        let mut headers = HeaderMap::new();
        headers.insert("ETag", HeaderValue::from_static("\"0x8DC\""));
        headers.insert("x-binary", HeaderValue::from_bytes(b"\xff").unwrap());
        let headers = answered(&headers);
        assert_eq!(headers.iter().count(), 1);
        let etag = headers.get_optional_str(&HeaderName::from_static("etag"));
        assert_eq!(etag, Some("\"0x8DC\""));
    }
}
