//! One contender in front of one blob endpoint, and what a load costs it.

use std::time::Duration;

use bytes::Bytes;

use crate::contender::Contender;
use crate::error::BenchError;
use crate::load::{Load, Target};
use crate::messages::Messages;
use crate::procfs;
use crate::responder::Responder;
use crate::running::Running;

/// Requests that are made before a measurement begins take no more than this, in bytes.
const POOL_MAX: usize = 48 * 1024 * 1024;
const POOL_MESSAGES_MAX: usize = 20_000;

/// Until compilers and caches have settled.
const WARM_UP: usize = 2_000;

/// A load, and the CPU time that the contender took for it.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// The load.
    pub load: Load,
    /// User and system time.
    pub cpu: Duration,
}

impl Measured {
    /// CPU time per message.
    #[must_use]
    pub fn cpu_per_message(&self) -> Duration {
        self.cpu.div_f64(self.load.latencies.len().max(1) as f64)
    }
}

/// Requests that are ready to be sent; the last is followed by the first.
#[derive(Debug)]
pub struct Pool(Vec<Bytes>);

impl Pool {
    /// As many as memory allows of what `make` makes.
    #[must_use]
    pub fn of(make: impl Fn(usize) -> Bytes) -> Self {
        let length = make(0).len().max(1);
        let count = (POOL_MAX / length).clamp(1, POOL_MESSAGES_MAX);
        Self((0..count).map(make).collect())
    }

    /// Request `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Bytes {
        let at = index % self.0.len().max(1);
        self.0.get(at).cloned().unwrap_or_default()
    }

    /// Invocations with these messages.
    #[must_use]
    pub fn invocations(messages: Messages) -> Self {
        Self::of(|index| messages.invocation(index))
    }

    /// The uploads of these messages.
    #[must_use]
    pub fn uploads(messages: Messages) -> Self {
        Self::of(|index| messages.upload(index))
    }
}

/// A contender that runs and is warm.
#[derive(Debug)]
pub struct Stage {
    /// Where it uploads to.
    pub responder: Responder,
    /// The contender.
    pub running: Running,
}

impl Stage {
    /// Starts both.
    ///
    /// # Errors
    /// When they do not start.
    pub fn start(contender: &Contender, service: Duration) -> Result<Self, BenchError> {
        let responder = Responder::start(service)?;
        let running = contender.start(responder.address)?;
        Ok(Self { responder, running })
    }

    /// Warms the contender up; the load is not measured.
    ///
    /// # Errors
    /// When it answers anything but success.
    pub fn warm(&self, target: &Target<'_>, connections: usize) -> Result<(), BenchError> {
        target.count(connections, WARM_UP).map(drop)
    }

    /// The contender's CPU time over a load.
    ///
    /// # Errors
    /// When the load fails.
    pub fn measure(
        &self,
        load: impl FnOnce() -> Result<Load, BenchError>,
    ) -> Result<Measured, BenchError> {
        let before = procfs::cpu(self.running.pid())?;
        let load = load()?;
        let cpu = procfs::cpu(self.running.pid())?.saturating_sub(before);
        Ok(Measured { load, cpu })
    }
}
