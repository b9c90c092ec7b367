//! The limits of host.json, each of which may be absent.

use std::time::Duration;

use tokio::time::timeout;

use crate::app::FunctionApp;

/// The limits of host.json; `None` is without limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) concurrent_calls: usize,
    pub(super) concurrent_sessions: usize,
    pub(super) session_idle: Option<Duration>,
    pub(super) function_timeout: Option<Duration>,
    pub(super) lock_renewal: Option<Duration>,
    pub(super) batch: BatchLimits,
}

/// How many messages make a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    pub(super) most: usize,
    pub(super) least: usize,
    /// How long fewer than the least may wait for others.
    pub(super) wait: Option<Duration>,
}

impl Limits {
    pub(super) fn from_host_json(app: &FunctionApp) -> Self {
        let service_bus = app.host.service_bus();
        Self {
            concurrent_calls: service_bus.max_concurrent_calls,
            concurrent_sessions: service_bus.max_concurrent_sessions,
            session_idle: service_bus.session_idle_timeout.limit(),
            function_timeout: app.host.function_timeout.limit(),
            lock_renewal: service_bus.max_auto_lock_renewal_duration.limit(),
            batch: BatchLimits {
                most: app.max_message_batch_size,
                least: service_bus.min_message_batch_size,
                wait: service_bus.max_batch_wait_time.limit(),
            },
        }
    }
}

/// What the future returns, or `None` when the limit passes first.
pub(super) async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
