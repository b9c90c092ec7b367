//! What `just bench` measures, topic by topic.

pub mod at_once;
pub mod batches;
pub mod growth;
pub mod memory;
pub mod peers;
pub mod rates;
pub mod ratio;
pub mod start;

use std::time::Duration;

/// The service times of the blob endpoint: nothing at all, and what a near Blob Storage takes.
pub const SERVICES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(5)];

/// Requests in flight, where it is not the question itself.
pub const CONNECTIONS: usize = 16;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds of everything that alternates.
    pub rounds: usize,
    /// Each load.
    pub load: Duration,
    /// Invocations of the memory measurement.
    pub invocations: usize,
    /// Starts of a process.
    pub starts: usize,
}

impl Effort {
    /// Within 15 minutes on two cores.
    pub const FULL: Self = Self {
        rounds: 5,
        load: Duration::from_secs(3),
        invocations: 1_000_000,
        starts: 40,
    };

    /// Within 3 minutes: to see that it works, not to quote.
    pub const QUICK: Self = Self {
        rounds: 1,
        load: Duration::from_secs(1),
        invocations: 100_000,
        starts: 10,
    };
}

/// How a service time is called in tables.
#[must_use]
pub fn store_time(service: Duration) -> String {
    format!("{} ms", service.as_millis())
}
