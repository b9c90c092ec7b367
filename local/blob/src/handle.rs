//! What a running endpoint is made of, and a hold on it for those who do not own it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::{IntoResponse, Response};
use stand_in::{FaultSwitch, HangUp, Seen};
use tokio::sync::{broadcast, oneshot};

use crate::account::Account;
use crate::storage::BlobStorage;
use crate::target::account_of;

/// All that an endpoint serves.
pub(crate) type Accounts = Arc<[Arc<AccountState>]>;

#[derive(Debug)]
pub(crate) struct AccountState {
    pub(crate) account: Account,
    pub(crate) url: String,
    pub(crate) storage: BlobStorage,
    pub(crate) faults: FaultSwitch,
    pub(crate) trap: Trap,
}

/// Watches an account and breaks it; it does not keep the endpoint running.
#[derive(Debug, Clone)]
pub struct BlobHandle {
    pub(crate) state: Arc<AccountState>,
}

impl BlobHandle {
    /// The address of the account, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// A connection string in the form that every Azure Storage client takes.
    pub fn connection_string(&self) -> String {
        self.state.account.connection_string(self.url())
    }

    /// Whether a request at this endpoint was one of this account's.
    pub fn is_asked_by(&self, seen: &Seen) -> bool {
        account_of(&seen.path) == self.state.account.name
    }

    /// The account's content.
    pub fn storage(&self) -> &BlobStorage {
        &self.state.storage
    }

    /// Every request at the endpoint from now on, other accounts' included, when it arrives and when it ends.
    pub fn seen(&self) -> broadcast::Receiver<Seen> {
        self.state.faults.server().seen()
    }

    /// As [`BlobEndpoint::faults`](crate::BlobEndpoint::faults).
    pub fn faults(&self) -> &FaultSwitch {
        &self.state.faults
    }

    /// The next upload takes effect, and its answer is held back: what a handler that is killed
    /// in the middle never learns. It resolves when that upload is there; dropping it first lets
    /// the upload pass. A second call takes the place of the first.
    pub fn hold_next_upload(&self) -> oneshot::Receiver<HeldUpload> {
        let (sender, held) = oneshot::channel();
        *self.state.trap.lock() = Some(sender);
        held
    }
}

/// An upload without an answer. Dropping it closes the upload's connection.
#[derive(Debug)]
pub struct HeldUpload {
    _release: oneshot::Sender<()>,
}

/// Takes the answer of the next upload, once it is set.
#[derive(Debug, Default)]
pub(crate) struct Trap(Mutex<Option<oneshot::Sender<HeldUpload>>>);

impl Trap {
    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<HeldUpload>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an answer through, unless it is the one to hold.
    pub(crate) async fn pass(&self, response: Response) -> Response {
        let Some(waiting) = self.lock().take() else {
            return response;
        };
        let (release, released) = oneshot::channel();
        if waiting.send(HeldUpload { _release: release }).is_err() {
            return response;
        }
        // Nothing is ever sent: the end of the other side is the signal.
        released.await.ok();
        HangUp.into_response()
    }
}
