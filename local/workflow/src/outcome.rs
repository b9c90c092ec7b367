//! What becomes of an action, and of a run.

use serde_json::{Map, Value};

use super::Failure;
use super::definition::{Status, TerminateStatus};

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What the caller is told; `None` when no Response action ran.
    pub response: Option<Response>,
    /// How the run ended.
    pub status: RunStatus,
    /// The words of the Terminate action.
    pub error: Option<RunError>,
    /// The `clientTrackingId`.
    pub tracking_id: String,
    /// Which actions failed, and why: `name: reason`.
    pub failed: Vec<String>,
}

/// The outcome of a Response action.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and texts.
    pub headers: Map<String, Value>,
    /// The body; null when there is none.
    pub body: Value,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// All is well.
    Succeeded,
    /// An alert on failed runs sees it.
    Failed,
    /// The Terminate action said so.
    Cancelled,
}

/// The words of the Terminate action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// For machines.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What became of an action.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) outputs: Value,
    pub(super) why: Option<String>,
}

impl Outcome {
    pub(super) fn bare(status: Status) -> Self {
        let (outputs, why) = (Value::Null, None);
        Self {
            status,
            outputs,
            why,
        }
    }
}

impl From<Result<Value, Failure>> for Outcome {
    fn from(result: Result<Value, Failure>) -> Self {
        match result {
            Ok(outputs) => Self {
                outputs,
                ..Self::bare(Status::Succeeded)
            },
            Err(why) => Self {
                why: Some(why.to_string()),
                ..Self::bare(Status::Failed)
            },
        }
    }
}

impl TerminateStatus {
    pub(super) fn of_run(self) -> RunStatus {
        match self {
            Self::Succeeded => RunStatus::Succeeded,
            Self::Failed => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }
}
