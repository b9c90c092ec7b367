//! The host's HTTP client. It follows redirects, adds no header (reqwest would add `Accept`, which
//! the real host does not send), and spells names as that one does.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::http::Extensions;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::sync::OnceCell;
use tower_http::follow_redirect::FollowRedirect;
use tower_http::follow_redirect::policy::{And, CloneBodyFn, Limited, PolicyExt, clone_body_fn};

/// As many as .NET's client follows.
const REDIRECTS_MAX: usize = 50;

/// The real host's chunks.
const CHUNK: usize = 1024;

/// Header names that are not spelt as hyper would spell them.
const SPELT: &str = "GET / HTTP/1.1\r\nX-Azure-Functions-HostVersion: 4\r\n\
    X-Azure-Functions-InvocationId: 0\r\ntraceparent: 00\r\n\r\n";

/// Pooled connections; clones share them.
#[derive(Debug, Clone)]
pub(super) struct HandlerClient {
    http: TowerToHyperService<FollowRedirect<legacy::Client<HttpConnector, Content>, Redirects>>,
    spelling: Arc<OnceCell<Extensions>>,
}

/// The content goes along where the method stays.
type Redirects = And<Limited, CloneBodyFn<fn(&Content) -> Option<Content>>>;

impl HandlerClient {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new())
            .http1_title_case_headers(true)
            .build(connector);
        let again: fn(&Content) -> Option<Content> = |content| Some(content.clone());
        let redirects = Limited::new(REDIRECTS_MAX).and::<_, Content, Error>(clone_body_fn(again));
        let following = FollowRedirect::with_policy(client, redirects);
        Self {
            http: TowerToHyperService::new(following),
            spelling: Arc::default(),
        }
    }

    pub(super) async fn send(
        &self,
        mut request: Request<Content>,
    ) -> Result<Response<Incoming>, Error> {
        let spelling = self.spelling.get_or_init(spelling).await;
        request.extensions_mut().extend(spelling.clone());
        self.http.call(request).await
    }
}

/// How hyper is told to spell names: by what it keeps of a request that it read, for proxies that
/// send it on. It has no other way, and of all names it would only make `Title-Case`.
async fn spelling() -> Extensions {
    let (mut there, here) = tokio::io::duplex(SPELT.len());
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        // The one who asked waits for it.
        tell.send(request.extensions().clone()).ok();
        std::future::ready(Ok::<_, Infallible>(Response::new(Content::default())))
    });
    let reading = http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(here), service);
    let asking = async {
        there.write_all(SPELT.as_bytes()).await.ok();
        let mut told = told;
        told.recv().await.unwrap_or_default()
    };
    tokio::select! {
        spelling = asking => spelling,
        _ = reading => Extensions::new(),
    }
}

/// What a request carries; the default is nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    rest: Bytes,
    /// The largest piece; without it all goes at once, with its length.
    piece: Option<usize>,
}

impl Content {
    /// Sent with its length.
    pub(super) fn with_length(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            piece: None,
        }
    }

    /// Sent in pieces and without a length, which makes each a chunk on the wire.
    pub(super) fn chunked(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            piece: Some(CHUNK),
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len();
        let piece = self.piece.unwrap_or(length).min(length);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.piece {
            None => SizeHint::with_exact(self.rest.len() as u64),
            Some(_) => SizeHint::default(),
        }
    }
}
