//! A small HTTP server for stand-ins: it stops hard, logs every request and hangs up on demand.
//!
//! Way of a request: `Server` (socket, `log`) → the stand-in's router → its [`FaultSwitch`] → what the stand-in does.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use tokio::sync::{broadcast, watch};

pub use axum::http::{Method, StatusCode};
pub use fault::Fault;
pub use flaky::Flaky;
use log::Log;
pub use seen::{Moment, Request, Seen};
pub use server::Server;
pub use switch::FaultSwitch;

mod fault;
mod flaky;
mod log;
mod seen;
mod server;
mod switch;

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
pub struct Handle {
    log: Arc<Log>,
    refusing: watch::Sender<bool>,
}

impl Handle {
    /// Every request from now on, when it arrives and when it ends.
    pub fn seen(&self) -> broadcast::Receiver<Seen> {
        self.log.seen()
    }

    /// Cuts every connection and resets each new one, until it is told otherwise. The port stays
    /// ours: who frees it may not get it back.
    pub fn refuse(&self, refusing: bool) {
        self.refusing.send_replace(refusing);
    }

    /// Connections that were reset.
    pub fn connections_refused(&self) -> u64 {
        self.log.connections_refused()
    }
}
