//! What every handler and task of the dashboard has at hand.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::sse;
use blob::BlobHandle;
use bus::{Queue, SenderFaults};
use host::Killer;
use host::app::Settings;
use logic_app::LogicAppHandle;
use logic_app::mail::OutboxReader;
use time::OffsetDateTime;
use tokio::sync::{broadcast, watch};

use super::build::BuildState;
use super::model::Model;

#[derive(Debug)]
pub(super) struct DashboardState {
    /// Tells this run from another: revisions of another stack at this address mean nothing.
    pub(super) run: String,
    /// What is older was there before this run.
    pub(super) started: OffsetDateTime,
    pub(super) build: watch::Sender<BuildState>,
    pub(super) queue: Queue,
    /// `None` when another host runs the handler.
    pub(super) killer: Option<Killer>,
    pub(super) blob: Option<BlobHandle>,
    pub(super) shop_storage: Option<BlobHandle>,
    pub(super) bus: SenderFaults,
    pub(super) logic_app: Option<LogicAppHandle>,
    pub(super) outbox: Option<OutboxReader>,
    pub(super) links: Mutex<Vec<(String, String)>>,
    /// Processes of the storefront: a change kills one.
    pub(super) shops: Mutex<Vec<watch::Sender<u64>>>,
    pub(super) settings: Settings,
    pub(super) model: Mutex<Model>,
    pub(super) ticks: broadcast::Sender<sse::Event>,
    /// Counts the handler's ends.
    pub(super) exits: watch::Sender<u64>,
    /// Whether the handler is killed at the next upload; counts the requests, so that the last one
    /// holds.
    pub(super) armed: watch::Sender<Option<u64>>,
}

impl DashboardState {
    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shops(&self) -> MutexGuard<'_, Vec<watch::Sender<u64>>> {
        self.shops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn links(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
