//! What the host tells about itself, its handler and every delivery.

use std::time::Duration;

use tokio::sync::broadcast;

use crate::queue::DeadLetterReason;

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

/// One delivery, from receiving it to settling it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The message's number.
    pub sequence: u64,
    /// The message's id.
    pub message_id: Option<String>,
    /// The message's session id.
    pub session: Option<String>,
    /// 1 on the first hand-out.
    pub delivery_count: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The handler succeeded and the message is gone from the queue.
    Completed {
        /// The status it answered.
        status: u16,
        /// The `Logs` of its answer.
        logs: Vec<String>,
    },
    /// The invocation failed and the message is given back.
    Abandoned {
        /// Why it failed.
        why: Failure,
        /// The message is not delivered again: [`Event::DeadLettered`] follows.
        last: bool,
    },
    /// The lock ended before the handler did: the answer settles nothing, the message comes again.
    LockLost,
}

/// Why an invocation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not a 2xx; the answer's body is not read.
    #[error("{0}")]
    Status(u16),
    /// A 2xx that is no answer of a custom handler.
    #[error("{status}, {problem}")]
    BadAnswer {
        /// The status.
        status: u16,
        /// What is wrong with the rest.
        problem: String,
    },
    /// The connection broke.
    #[error("connection broke: {0}")]
    Connection(String),
    /// No answer within functionTimeout; the handler was killed.
    #[error("no answer within functionTimeout")]
    FunctionTimeout,
    /// The host is stopping.
    #[error("the host stops")]
    HostStops,
}

/// How the handler's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself; a signal leaves no code.
    Code(Option<i32>),
    /// The host killed it: a function time-out, or `Host::kill_handler`.
    Killed,
    /// It did not answer within initializationTimeout and was killed.
    NotInitialized,
}

/// What the host does when the handler is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Starts it again at once.
    Restart,
    /// Nothing: exit code 0 counts as intended.
    StayDown,
    /// Third error in a row: stops.
    StopHost,
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
