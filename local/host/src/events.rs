//! What the host tells about itself, its handler and every delivery.

use std::time::Duration;

use bus::DeadLetterReason;
use tokio::sync::broadcast;

use super::restarts::{Exit, Next};

#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    HandlerStarted {
        pid: Option<u32>,
    },
    /// The handler answered its first request: deliveries begin.
    HandlerReady,
    /// The handler's process ended, and what the host does about it.
    HandlerExited {
        exit: Exit,
        next: Next,
    },
    /// The handler wrote a line, and the host gave it that level.
    LogLine {
        level: Level,
        text: String,
    },
    /// The host itself has something to say.
    Note {
        level: Level,
        text: String,
    },
    Delivered(Delivered),
    /// That delivery was the message's last.
    DeadLettered {
        sequence: u64,
        session: Option<String>,
        delivery_count: u32,
        reason: DeadLetterReason,
    },
    /// The host gave up: no more deliveries.
    HostStopped {
        why: String,
    },
}

/// Log levels, as the host has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Information,
    Warning,
    Error,
}

/// One delivery, from receiving it to settling it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    pub sequence: u64,
    pub message_id: Option<String>,
    pub session: Option<String>,
    /// 1 on the first hand-out.
    pub delivery_count: u32,
    pub outcome: DeliveryOutcome,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryOutcome {
    /// The handler succeeded and the message is gone from the queue.
    Completed { status: u16, logs: Vec<String> },
    /// The invocation failed and the message is given back.
    Abandoned {
        why: InvocationFailure,
        /// The message is not delivered again: [`Event::DeadLettered`] follows.
        last: bool,
    },
    /// The lock ended before the handler did: the answer settles nothing, the message comes again.
    LockLost,
    /// The host gave up: the message is given back, and this hand-out is not counted.
    Released,
    /// The host stopped before the handler was done: the message comes again when its lock ends.
    LeftLocked,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvocationFailure {
    /// Not a 2xx; the answer's body is not read.
    #[error("{0}")]
    Status(u16),
    /// A 2xx that is no answer of a custom handler.
    #[error("{status}, {problem}")]
    BadAnswer { status: u16, problem: String },
    #[error("connection broke: {0}")]
    Connection(String),
    /// No answer within functionTimeout; the handler was killed.
    #[error("no answer within functionTimeout")]
    FunctionTimeout,
    #[error("the handler succeeded, but the host was stopping")]
    SucceededTooLate,
    /// The host cannot make the function's parameter of it, or of the batch with it; the handler
    /// was not called.
    #[error("the host cannot bind #{sequence}: expected {expected}; found {found}")]
    Unbindable {
        sequence: u64,
        expected: &'static str,
        found: &'static str,
    },
}

/// More than a test or a screen ever lags behind.
const EVENTS_MAX: usize = 16 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(super) fn new() -> (Self, broadcast::Receiver<Event>) {
        let (sender, first) = broadcast::channel(EVENTS_MAX);
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
