//! A hold on a running stand-in for those who do not own it.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Received, Shared};
use stand_in::FaultSwitch;

/// Watches a stand-in and breaks it; it does not keep it running.
#[derive(Debug, Clone)]
pub struct LogicAppHandle {
    pub(super) shared: Arc<Shared>,
}

impl LogicAppHandle {
    /// What was accepted, oldest first, without the first `count`. Only the newest thousands are
    /// still there.
    pub fn received_after(&self, count: usize) -> Vec<Received> {
        self.shared.received().after(count).cloned().collect()
    }

    /// What is accepted from now on.
    pub fn arrivals(&self) -> broadcast::Receiver<Received> {
        self.shared.arrivals.subscribe()
    }

    /// As [`super::LogicApp::faults`].
    pub fn faults(&self) -> &FaultSwitch {
        &self.shared.faults
    }
}
