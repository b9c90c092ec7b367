//! The running endpoint, for those who own it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use stand_in::{FaultSwitch, Request, Server, ServerHandle};
use tokio::net::TcpListener;

use crate::account::Account;
use crate::handle::{AccountState, Accounts, BlobHandle, Trap};
use crate::serve::serve;
use crate::storage::{Blob, BlobStorage};

/// A running endpoint. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct BlobEndpoint {
    server: Server,
    /// The one that it is asked about by its own methods.
    state: Arc<AccountState>,
    others: Vec<Arc<AccountState>>,
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
        Self::start_accounts(listener, (Account::ORDERS, storage), [])
    }

    /// Serves more than one account, each with what it holds. What breaks one does not touch the
    /// others: it refuses requests then, and no connection.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start_accounts(
        listener: TcpListener,
        first: (Account, BlobStorage),
        others: impl IntoIterator<Item = (Account, BlobStorage)>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let others: Vec<_> = others.into_iter().collect();
        let server = ServerHandle::default();
        let is_alone = others.is_empty();
        let state = |(account, storage): (Account, BlobStorage)| {
            Arc::new(AccountState {
                account,
                url: format!("http://{address}/{}", account.name),
                storage,
                faults: match is_alone {
                    true => FaultSwitch::alone(server.clone()),
                    false => FaultSwitch::sharing(server.clone()),
                },
                trap: Trap::default(),
            })
        };
        let first = state(first);
        let others: Vec<_> = others.into_iter().map(state).collect();
        let accounts = [Arc::clone(&first)].into_iter().chain(others.clone());
        let accounts: Accounts = accounts.collect();
        let router = Router::new().fallback(serve).with_state(accounts);
        let server = Server::start_with(listener, router, server)?;
        Ok(Self {
            server,
            state: first,
            others,
        })
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
        self.state.account.connection_string(self.url())
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

    /// The same of another account that is served here.
    pub fn other(&self, account: Account) -> Option<BlobHandle> {
        let mut others = self.others.iter();
        let state = others.find(|state| state.account == account)?;
        Some(BlobHandle {
            state: Arc::clone(state),
        })
    }

    /// Closes the listener and every connection; clients then see a refused connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
