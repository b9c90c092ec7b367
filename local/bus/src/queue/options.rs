//! How a queue is set up.

use std::time::Duration;

/// How the queue is set up; the defaults are those of the queue in Azure.
#[derive(Debug, Clone, Copy)]
pub struct QueueOptions {
    /// How long one hand-out is locked, and by how much a renewal extends it.
    pub lock_duration: Duration,
    /// Hand-outs before a message is dead-lettered.
    pub max_delivery_count: u32,
    /// How long a message id is remembered.
    pub duplicate_window: Duration,
    /// How long a message may wait at most.
    pub time_to_live: Duration,
    /// Every message belongs to a session, and a session has one receiver at a time.
    pub sessions: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(5 * 60),
            max_delivery_count: 10,
            duplicate_window: Duration::from_secs(10 * 60),
            time_to_live: Duration::from_secs(14 * 24 * 60 * 60),
            sessions: false,
        }
    }
}
