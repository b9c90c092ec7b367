//! The running Logic App: for those who own it, and a hold on it for others.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use stand_in::{FaultSwitch, Request, Server};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use workflow::{Schema, Workflow};

use crate::history::{History, Received};
use crate::runner::Runner;
use crate::trigger;
use crate::trigger::{Behind, TriggerState};

/// The largest request that is taken, in bytes.
const BODY_MAX: usize = 8 * 1024 * 1024;

/// What is deployed; of this text only the trigger's schema counts.
const DEFINITION: &str = include_str!("../../../infra/logicapp/fallback.definition.json");

/// A running stand-in. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct LogicApp {
    server: Server,
    state: Arc<TriggerState>,
}

impl LogicApp {
    /// Serves on `listener`, without a workflow: what fits the schema of the definition in `infra/`
    /// is only listed.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let schema = Schema::of_trigger(DEFINITION).map_err(io::Error::other)?;
        let state = TriggerState::new(Behind::Schema(schema), History::default());
        Self::serve(listener, state)
    }

    /// Serves on `listener`, and runs `workflow` for each request.
    ///
    /// # Errors
    /// When the listener does not tell its address, or there can be no HTTP client.
    pub fn start_with(listener: TcpListener, workflow: Workflow) -> io::Result<Self> {
        let behind = Behind::Workflow(Runner::new(workflow)?);
        Self::serve(listener, TriggerState::new(behind, History::default()))
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
        let behind = Behind::Workflow(Runner::new(workflow)?);
        Self::serve(listener, TriggerState::new(behind, History::in_file(file)?))
    }

    fn serve(listener: TcpListener, state: TriggerState) -> io::Result<Self> {
        let state = Arc::new(state);
        let router = Router::new()
            .route(
                "/workflows/{name}/triggers/manual/paths/invoke",
                post(trigger::invoke),
            )
            .route("/", get(trigger::list).delete(trigger::clear))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&state));
        let server = Server::start_with(listener, router, state.faults.server().clone())?;
        Ok(Self { server, state })
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
        self.state.received().after(0).cloned().collect()
    }

    /// The requests seen on the wire, refused and unanswered ones included.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// What every call of the trigger meets.
    pub fn faults(&self) -> &FaultSwitch {
        &self.state.faults
    }

    /// Watches the stand-in and breaks it, from elsewhere.
    pub fn handle(&self) -> LogicAppHandle {
        LogicAppHandle {
            state: Arc::clone(&self.state),
        }
    }

    /// Closes the listener and every connection; clients then see a refused connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Watches a stand-in and breaks it; it does not keep it running.
#[derive(Debug, Clone)]
pub struct LogicAppHandle {
    state: Arc<TriggerState>,
}

impl LogicAppHandle {
    /// What was accepted, oldest first, without the first `count`. Only the newest thousands are
    /// still there.
    pub fn received_after(&self, count: usize) -> Vec<Received> {
        self.state.received().after(count).cloned().collect()
    }

    /// What is accepted from now on.
    pub fn arrivals(&self) -> broadcast::Receiver<Received> {
        self.state.arrivals.subscribe()
    }

    /// As [`LogicApp::faults`].
    pub fn faults(&self) -> &FaultSwitch {
        &self.state.faults
    }
}
