//! The server under a stand-in.
//!
//! `axum::serve` waits for its connections when it stops and answers every request it has read.
//! The stand-in of a service that goes down must do neither, so this module drives hyper itself.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::log::Log;
use super::{Handle, HangUp, Request};
use crate::accepting::{ACCEPT_PAUSE, Accepting};

/// A running server. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Server {
    handle: Handle,
    accepting: Accepting,
}

impl Server {
    /// Serves `router` on `listener` until it is stopped.
    pub fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        Self::start_with(listener, router, Handle::default())
    }

    /// The same for a router that holds `handle` itself, as a part of its fault switch.
    pub fn start_with(listener: TcpListener, router: Router, handle: Handle) -> io::Result<Self> {
        let shared = handle.clone();
        let accepting = Accepting::start(listener, |listener, stopped| {
            accept(listener, router, shared, stopped)
        })?;
        Ok(Self { handle, accepting })
    }

    /// Where it listens.
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

async fn accept(
    listener: TcpListener,
    router: Router,
    Handle { log, refusing }: Handle,
    mut stopped: oneshot::Receiver<()>,
) {
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
                    connections.spawn(serve(stream, router.clone(), Arc::clone(&log)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, router: Router, log: Arc<Log>) {
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
