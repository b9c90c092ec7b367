//! A hold on a running endpoint for those who do not own it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{IntoResponse, Response};
use tokio::sync::{broadcast, oneshot};

use super::{BlobStorage, Shared};
use crate::loopback::{Fault, Flaky, Handle, HangUp, Seen};

/// Watches an endpoint and breaks it; it does not keep the endpoint running.
#[derive(Debug, Clone)]
pub struct BlobHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) server: Handle,
}

impl BlobHandle {
    /// The address of the account, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The account's content.
    pub fn storage(&self) -> &BlobStorage {
        &self.shared.storage
    }

    /// Every request from now on, when it arrives and when it ends.
    pub fn seen(&self) -> broadcast::Receiver<Seen> {
        self.server.seen()
    }

    /// As [`super::BlobEndpoint::set_fault`]; connections are taken again.
    pub fn set_fault(&self, fault: Fault) {
        self.server.refuse(false);
        self.shared.faults.set(fault);
    }

    /// From now on `flaky` chooses a fault for each such request.
    pub fn set_flaky(&self, flaky: Flaky) {
        self.server.refuse(false);
        self.shared.faults.set_flaky(flaky);
    }

    /// Resets every connection, until a fault is set.
    pub fn refuse_connections(&self) {
        self.shared.faults.set(Fault::None);
        self.server.refuse(true);
    }

    /// Connections that were reset.
    pub fn connections_refused(&self) -> u64 {
        self.server.connections_refused()
    }

    /// The next upload takes effect, and its answer is held back: what a handler that is killed
    /// in the middle never learns. It resolves when that upload is there; dropping it first lets
    /// the upload pass. A second call takes the place of the first.
    pub fn hold_next_upload(&self) -> oneshot::Receiver<HeldUpload> {
        let (sender, held) = oneshot::channel();
        *self.shared.trap.lock() = Some(sender);
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
pub(super) struct Trap(Mutex<Option<oneshot::Sender<HeldUpload>>>);

impl Trap {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<oneshot::Sender<HeldUpload>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an answer through, unless it is the one to hold.
    pub(super) async fn pass(&self, response: Response) -> Response {
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
