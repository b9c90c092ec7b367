//! The running endpoint, for those who own it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use stand_in::{FaultSwitch, Request, Server};
use tokio::net::TcpListener;

use crate::account::{ACCOUNT, connection_string};
use crate::handle::{BlobHandle, EndpointState, Trap};
use crate::serve::serve;
use crate::storage::{Blob, BlobStorage};

/// A running endpoint. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct BlobEndpoint {
    server: Server,
    state: Arc<EndpointState>,
}

impl BlobEndpoint {
    /// Serves an empty account on `listener`.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        Self::start_with(listener, BlobStorage::default())
    }

    /// Serves `storage` on `listener`: how an endpoint that was stopped comes back.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start_with(listener: TcpListener, storage: BlobStorage) -> io::Result<Self> {
        let state = Arc::new(EndpointState {
            url: format!("http://{}/{ACCOUNT}", listener.local_addr()?),
            storage,
            faults: FaultSwitch::default(),
            trap: Trap::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&state));
        let server = Server::start_with(listener, router, state.faults.server().clone())?;
        Ok(Self { server, state })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The address of the account, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// A connection string in the form that every Azure Storage client takes.
    pub fn connection_string(&self) -> String {
        connection_string(self.url())
    }

    /// The account's content: to seed it, and to start it again after a stop.
    pub fn storage(&self) -> &BlobStorage {
        &self.state.storage
    }

    /// A blob as it is now.
    pub fn blob(&self, container: &str, name: &str) -> Option<Blob> {
        self.state.storage.blob(container, name)
    }

    /// The states the blob has had, oldest first, deleted ones included: all, unless megabytes were
    /// written since.
    pub fn history(&self, container: &str, name: &str) -> Vec<Blob> {
        self.state.storage.history(container, name)
    }

    /// The requests seen on the wire, in the order of their arrival, unanswered ones included.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// What every PUT, DELETE and HEAD of a blob meets. Reads and containers stay, so that one
    /// can look at the blobs meanwhile.
    pub fn faults(&self) -> &FaultSwitch {
        &self.state.faults
    }

    /// Watches the endpoint and breaks it, from elsewhere.
    pub fn handle(&self) -> BlobHandle {
        BlobHandle {
            state: Arc::clone(&self.state),
        }
    }

    /// Closes the listener and every connection; clients then see a refused connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
