//! What the host tells about itself, its handler and every delivery.

use tokio::sync::broadcast;

use super::delivered::Delivered;
use super::restarts::{Exit, Next};
use bus::DeadLetterReason;

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The handler's process runs.
    HandlerStarted {
        /// Its process id.
        pid: Option<u32>,
    },
    /// The handler answered its first request: deliveries begin.
    HandlerReady,
    /// The handler's process ended.
    HandlerExited {
        /// How.
        exit: Exit,
        /// What the host does about it.
        next: Next,
    },
    /// The handler wrote a line.
    LogLine {
        /// The level the host gives it.
        level: Level,
        /// The line.
        text: String,
    },
    /// The host itself has something to say.
    Note {
        /// How bad it is.
        level: Level,
        /// What.
        text: String,
    },
    /// A delivery came to its end.
    Delivered(Delivered),
    /// That delivery was the message's last.
    DeadLettered {
        /// The message.
        sequence: u64,
        /// Its session id.
        session: Option<String>,
        /// Hand-outs it had.
        delivery_count: u32,
        /// Why.
        reason: DeadLetterReason,
    },
    /// The host gave up: no more deliveries.
    HostStopped {
        /// Why.
        why: String,
    },
}

/// Log levels, as the host has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the record.
    Information,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
}

/// More than a test or a screen ever lags behind.
const CAPACITY: usize = 16 * 1024;

/// Where events go.
#[derive(Debug, Clone)]
pub(super) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(super) fn new() -> (Self, broadcast::Receiver<Event>) {
        let (sender, first) = broadcast::channel(CAPACITY);
        (Self(sender), first)
    }

    pub(super) fn emit(&self, event: Event) {
        // An error means that nobody listens, which is allowed.
        self.0.send(event).ok();
    }

    pub(super) fn note(&self, level: Level, text: impl Into<String>) {
        self.emit(Event::Note {
            level,
            text: text.into(),
        });
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
