//! A hold on a running stand-in for those who do not own it.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Received, Shared};
use crate::loopback::{Fault, Flaky, Handle};

/// Watches a stand-in and breaks it; it does not keep it running.
#[derive(Debug, Clone)]
pub struct LogicAppHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) server: Handle,
}

impl LogicAppHandle {
    /// What was accepted, oldest first, without the first `count`. Only the newest thousands are still there.
    pub fn received_after(&self, count: usize) -> Vec<Received> {
        self.shared.received().after(count).cloned().collect()
    }

    /// What is accepted from now on.
    pub fn arrivals(&self) -> broadcast::Receiver<Received> {
        self.shared.arrivals.subscribe()
    }

    /// As [`super::LogicApp::set_fault`]; connections are taken again.
    pub fn set_fault(&self, fault: Fault) {
        self.server.refuse(false);
        self.shared.faults.set(fault);
    }

    /// From now on `flaky` chooses a fault for each call of the trigger.
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
}
