//! One delivery as the host tells it, and how it ended.

use std::time::Duration;

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
        /// The message is not delivered again: [`super::Event::DeadLettered`] follows.
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
