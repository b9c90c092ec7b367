//! A stand-in of the Logic App: its HTTP trigger, with or without the workflow behind it.
//!
//! `POST /workflows/{name}/triggers/manual/paths/invoke` takes a fallback request. With a workflow
//! it checks the request by the workflow's schema, runs it and gives its answer. Without one it
//! checks the request like that schema would and answers 202 or 400.
//! `GET /` shows what was accepted, newest first; `DELETE /` forgets it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub use handle::LogicAppHandle;
use history::History;
use runner::Runner;
use stand_in::{FaultSwitch, Request, Server};
pub use workflow::{DefinitionRefused, Workflow};

mod contract;
mod handle;
mod history;
pub mod mail;
mod runner;
mod trigger;
mod web;

/// The largest request that is taken, in bytes.
const BODY_MAX: usize = 8 * 1024 * 1024;

/// A fallback request that was accepted: in Azure, an e-mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The workflow in the path.
    pub workflow: String,
    /// The `operationId` of the body.
    pub operation_id: String,
    /// The headers, names in lower case; the value of `authorization` is blanked.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    #[serde(with = "history::text")]
    pub body: Bytes,
}

/// A running stand-in. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct LogicApp {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<History>,
    arrivals: broadcast::Sender<Received>,
    faults: FaultSwitch,
    /// Runs the workflow, when there is one.
    runner: Option<Runner>,
}

/// More than a screen ever lags behind.
const ARRIVALS_KEPT: usize = 1_024;

impl Shared {
    fn new(runner: Option<Runner>, history: History) -> Self {
        Self {
            received: Mutex::new(history),
            arrivals: broadcast::Sender::new(ARRIVALS_KEPT),
            faults: FaultSwitch::default(),
            runner,
        }
    }

    fn received(&self) -> MutexGuard<'_, History> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogicApp {
    /// Serves on `listener`, without a workflow: what is accepted is only listed.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        Self::serve(listener, Shared::new(None, History::default()))
    }

    /// Serves on `listener`, and runs `workflow` for each request.
    ///
    /// # Errors
    /// When the listener does not tell its address, or there can be no HTTP client.
    pub fn start_with(listener: TcpListener, workflow: Workflow) -> io::Result<Self> {
        let runner = Some(Runner::new(workflow)?);
        Self::serve(listener, Shared::new(runner, History::default()))
    }

    /// The same, and what was accepted is kept in a file over the end of this process.
    ///
    /// # Errors
    /// As before, and when the file cannot be read or written.
    pub fn start_with_history(
        listener: TcpListener,
        workflow: Workflow,
        file: &Path,
    ) -> io::Result<Self> {
        let runner = Some(Runner::new(workflow)?);
        Self::serve(listener, Shared::new(runner, History::in_file(file)?))
    }

    fn serve(listener: TcpListener, shared: Shared) -> io::Result<Self> {
        let shared = Arc::new(shared);
        let router = Router::new()
            .route(
                "/workflows/{name}/triggers/manual/paths/invoke",
                post(trigger::invoke),
            )
            .route("/", get(trigger::list).delete(trigger::clear))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&shared));
        let server = Server::start_with(listener, router, shared.faults.server().clone())?;
        Ok(Self { server, shared })
    }

    /// The trigger's address, with the query that the real one has.
    pub fn url(&self) -> String {
        let address = self.server.address();
        format!(
            "http://{address}/workflows/order-fallback/triggers/manual/paths/invoke?api-version=2016-10-01"
        )
    }

    /// What was accepted, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().after(0).cloned().collect()
    }

    /// The requests seen on the wire, refused and unanswered ones included.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// What every call of the trigger meets.
    pub fn faults(&self) -> &FaultSwitch {
        &self.shared.faults
    }

    /// Watches the stand-in and breaks it, from elsewhere.
    pub fn handle(&self) -> LogicAppHandle {
        LogicAppHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Closes the listener and every connection; clients then see a refused connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
