//! The HTTP server under a stand-in: it stops hard, logs every request and hangs up on demand.
//!
//! `axum::serve` waits for its connections when it stops and answers every request it has read.
//! The stand-in of a service that goes down must do neither, so this module drives hyper itself.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::wire::{Log, Request, Seen};

/// A pause when the system has no file descriptor left for the next connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A task that takes connections. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Accepting {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Accepting {
    /// Runs `accept` on `listener`; what it is given beside it ends when it is to stop.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start<F>(
        listener: TcpListener,
        accept: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        #[expect(
            clippy::disallowed_methods,
            reason = "the ban guards the product's reservations; this task ends with its owner"
        )]
        let task = tokio::spawn(accept(listener, stopped));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        drop(self.stop);
        // Only a panic in `accept` could be reported here, and the port is closed then as well.
        self.task.await.ok();
    }
}

/// As a response: close the connection without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub struct HangUp;

impl IntoResponse for HangUp {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// Watches a server and turns its clients away; it does not keep the server running.
#[derive(Debug, Clone, Default)]
pub struct ServerHandle {
    log: Arc<Log>,
    refusing: watch::Sender<bool>,
}

impl ServerHandle {
    /// Every request from now on, when it arrives and when it ends.
    pub fn seen(&self) -> broadcast::Receiver<Seen> {
        self.log.seen()
    }

    /// Cuts every connection and resets each new one, until it is told otherwise. The port stays
    /// ours: who frees it may not get it back.
    pub fn refuse(&self, refusing: bool) {
        self.refusing.send_replace(refusing);
    }

    pub fn connections_refused(&self) -> u64 {
        self.log.connections_refused()
    }
}

/// A running server. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Server {
    handle: ServerHandle,
    accepting: Accepting,
}

impl Server {
    /// Serves `router` on `listener` until it is stopped.
    pub fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        Self::start_with(listener, router, ServerHandle::default())
    }

    /// The same for a router that holds `handle` itself, as a part of its fault switch.
    pub fn start_with(
        listener: TcpListener,
        router: Router,
        handle: ServerHandle,
    ) -> io::Result<Self> {
        Self::start_beside(listener, router, handle, |stream| ready(Some(stream)))
    }

    /// The same where another protocol is served on the port as well: `other` has each connection
    /// first, and those that it gives back speak HTTP.
    pub fn start_beside<F>(
        listener: TcpListener,
        router: Router,
        handle: ServerHandle,
        other: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = Option<TcpStream>> + Send + 'static,
    {
        let shared = handle.clone();
        let accepting = Accepting::start(listener, |listener, stopped| {
            accept(listener, router, shared, other, stopped)
        })?;
        Ok(Self { handle, accepting })
    }

    pub fn address(&self) -> SocketAddr {
        self.accepting.address()
    }

    /// The requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.handle.log.requests()
    }

    /// Closes the listener and every connection; what is being served is dropped unanswered.
    pub async fn stop(self) {
        self.accepting.stop().await;
    }
}

async fn accept<F>(
    listener: TcpListener,
    router: Router,
    ServerHandle { log, refusing }: ServerHandle,
    other: impl Fn(TcpStream) -> F,
    mut stopped: oneshot::Receiver<()>,
) where
    F: Future<Output = Option<TcpStream>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut refused = refusing.subscribe();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            // The sender lives as long as this loop: there is no error to see.
            _ = refused.changed() => if *refused.borrow_and_update() {
                connections.abort_all();
            },
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if *refusing.borrow() => {
                    // Without it the client would see an orderly end. An error: it has left.
                    stream.set_zero_linger().ok();
                    log.connection_refused();
                }
                Ok((stream, _)) => {
                    let (given_back, router) = (other(stream), router.clone());
                    let log = Arc::clone(&log);
                    connections.spawn(async move {
                        if let Some(stream) = given_back.await {
                            serve(stream, router, log).await;
                        }
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, router: Router, log: Arc<Log>) {
    // The end of an answer would wait for its beginning to be acknowledged, which a client puts off
    // for 40 ms. An error: it has left.
    stream.set_nodelay(true).ok();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let entry = log.arrived(&request);
        let answer = router.call(request);
        async move {
            let Ok(response) = answer.await;
            if let Some(hang_up) = response.extensions().get::<HangUp>() {
                return Err(*hang_up);
            }
            entry.answered(response.status());
            Ok(response)
        }
    });
    // A client that gave up must not undo the request it sent: a real service goes on, and its
    // late write is just what the callers have to be ready for. Hence `half_close`.
    let connection = http1::Builder::new()
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    // It ends in an error when the client vanished or we hung up; neither concerns the server.
    connection.await.ok();
}
