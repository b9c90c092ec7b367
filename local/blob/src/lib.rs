//! An embedded Blob Storage endpoint: the part of the REST API that an order takes.
//!
//! Container and block blob operations of version 2023-11-03, addressed like the emulator's
//! (`/{account}/{container}/{blob}`), with real conditions, error codes and Shared Key signatures.
//! What the service can do and this endpoint cannot is refused by name, never ignored.
//!
//! Three differences are on purpose. Reads need no signature, as in a public container, so that
//! a plain `curl` or a browser shows an order. Shared access signatures and tokens are refused.
//! And every accepted write stays in a history, without its content, so that a test can tell whether
//! a blob ever went back to an older state.
//!
//! Path of a request: [`stand_in::loopback`] (socket, log) → `serve` (faults) → `shared_key` → `dispatch`
//! → `containers` or `block_blobs` → [`BlobStorage`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use handle::Trap;
use stand_in::{FaultSwitch, Request, Server};

pub use handle::{BlobHandle, HeldUpload};
pub use storage::{
    Blob, BlobStorage, Conditions, ETagCondition, OpenError, StorageError, Upload, Versions, Write,
};

mod answer;
pub mod azurite;
mod block_blobs;
mod containers;
mod dispatch;
mod failure;
mod handle;
mod headers;
mod listing;
mod serve;
mod shared_key;
mod storage;
mod target;

/// The account that every emulator of Azure Storage has.
pub const ACCOUNT: &str = "devstoreaccount1";

/// The key of [`ACCOUNT`]: the same on every machine and documented as such, so no secret.
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The version of the REST API that is spoken, whatever version a client asks for.
const API_VERSION: &str = "2023-11-03";

/// A running endpoint. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct BlobEndpoint {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    storage: BlobStorage,
    faults: FaultSwitch,
    trap: Trap,
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
        let shared = Arc::new(Shared {
            url: format!("http://{}/{ACCOUNT}", listener.local_addr()?),
            storage,
            faults: FaultSwitch::default(),
            trap: Trap::default(),
        });
        let router = Router::new()
            .fallback(serve::serve)
            .with_state(Arc::clone(&shared));
        let server = Server::start_with(listener, router, shared.faults.server().clone())?;
        Ok(Self { server, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The address of the account, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// A connection string in the form that every Azure Storage client takes.
    pub fn connection_string(&self) -> String {
        connection_string(self.url())
    }

    /// The account's content: to seed it, and to start it again after a stop.
    pub fn storage(&self) -> &BlobStorage {
        &self.shared.storage
    }

    /// A blob as it is now.
    pub fn blob(&self, container: &str, name: &str) -> Option<Blob> {
        self.shared.storage.blob(container, name)
    }

    /// The states the blob has had, oldest first, deleted ones included: all, unless megabytes were written since.
    pub fn history(&self, container: &str, name: &str) -> Vec<Blob> {
        self.shared.storage.history(container, name)
    }

    /// The requests seen on the wire, in the order of their arrival, unanswered ones included.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// What every PUT, DELETE and HEAD of a blob meets. Reads and containers stay, so that one
    /// can look at the blobs meanwhile.
    pub fn faults(&self) -> &FaultSwitch {
        &self.shared.faults
    }

    /// Watches the endpoint and breaks it, from elsewhere.
    pub fn handle(&self) -> BlobHandle {
        BlobHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Closes the listener and every connection; clients then see a refused connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A connection string for the emulator's account at `url`.
#[must_use]
pub fn connection_string(url: &str) -> String {
    format!(
        "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={url};"
    )
}
