//! What becomes of an action, and of a run.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What the caller is told; `None` when no Response action ran.
    pub response: Option<Response>,
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
    pub status: u16,
    /// Names and texts.
    pub headers: Map<String, Value>,
    /// The body; null when there is none.
    pub body: Value,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RunStatus {
    Succeeded,
    /// An alert on failed runs sees it.
    Failed,
    /// The Terminate action said so.
    Cancelled,
}

/// The words of the Terminate action.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunError {
    pub code: String,
    pub message: String,
}

/// Why an action failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Status {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
}

/// What became of an action.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) outputs: Value,
    pub(crate) why: Option<String>,
}

impl Outcome {
    pub(crate) fn bare(status: Status) -> Self {
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
