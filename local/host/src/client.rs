//! The host's HTTP client. It follows redirects, and adds no header but `Host` and that of the
//! framing: reqwest would add `Accept`, which the real host does not send.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use tower_http::follow_redirect::FollowRedirect;
use tower_http::follow_redirect::policy::{And, CloneBodyFn, Limited, PolicyExt, clone_body_fn};

const REDIRECTS_MAX: usize = 10;

/// Pooled connections; clones share them.
#[derive(Debug, Clone)]
pub(super) struct HandlerClient(
    TowerToHyperService<FollowRedirect<legacy::Client<HttpConnector, Content>, Redirects>>,
);

/// The content goes along where the method stays.
type Redirects = And<Limited, CloneBodyFn<fn(&Content) -> Option<Content>>>;

impl HandlerClient {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let again: fn(&Content) -> Option<Content> = |content| Some(content.clone());
        let redirects = Limited::new(REDIRECTS_MAX).and::<_, Content, Error>(clone_body_fn(again));
        Self(TowerToHyperService::new(FollowRedirect::with_policy(
            client, redirects,
        )))
    }

    pub(super) async fn send(
        &self,
        request: Request<Content>,
    ) -> Result<Response<Incoming>, Error> {
        self.0.call(request).await
    }
}

/// What a request carries; the default is nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pieces: [Bytes; 2],
    tells_length: bool,
}

impl Content {
    /// Sent with its length.
    pub(super) fn with_length(bytes: Bytes) -> Self {
        Self {
            pieces: [bytes, Bytes::new()],
            tells_length: true,
        }
    }

    /// Sent in two pieces and without a length, which makes it chunked on the wire.
    pub(super) fn chunked(mut bytes: Bytes) -> Self {
        let rest = bytes.split_off(bytes.len() / 2);
        Self {
            pieces: [bytes, rest],
            tells_length: false,
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
        let mut pieces = self.pieces.iter_mut();
        let next = pieces.find(|piece| !piece.is_empty()).map(std::mem::take);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.tells_length {
            let length: usize = self.pieces.iter().map(Bytes::len).sum();
            SizeHint::with_exact(length as u64)
        } else {
            SizeHint::default()
        }
    }
}
