//! What the Http action needs of the world: a port, so that a test can be the other side.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::outcome::{Outcome, Status};

/// Sends requests. One call is one try.
pub trait Http: Sync {
    /// The answer to `call`, whatever its status.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Answer, NoAnswer>> + Send;
}

/// A request of the Http action.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: String,
    pub uri: String,
    /// Names and texts.
    pub headers: Map<String, Value>,
    /// The body; null when there is none.
    pub body: Value,
    /// The audience of the managed identity's token, when one must be sent.
    pub audience: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Names and texts.
    pub headers: Map<String, Value>,
    /// The body: JSON, or a text.
    pub body: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("no answer in time")]
    TimedOut,
    /// The connection did not come about, or broke.
    #[error("no answer: {0}")]
    Failed(String),
}

/// Sends `call`, and sends it again after each of the `pauses` while the engine would.
pub(crate) async fn send(
    http: &impl Http,
    call: &Call,
    timeout: Duration,
    pauses: &[Duration],
) -> Outcome {
    let mut answer = attempt(http, call, timeout).await;
    for pause in pauses {
        if !is_worth_a_retry(&answer) {
            break;
        }
        tokio::time::sleep(*pause).await;
        answer = attempt(http, call, timeout).await;
    }
    match answer {
        Ok(answer) => Outcome {
            status: if answer.status < 400 {
                Status::Succeeded
            } else {
                Status::Failed
            },
            outputs: json!({ "statusCode": answer.status, "headers": answer.headers, "body": answer.body }),
            why: None,
        },
        Err(no_answer) => Outcome {
            status: match no_answer {
                NoAnswer::TimedOut => Status::TimedOut,
                NoAnswer::Failed(_) => Status::Failed,
            },
            outputs: Value::Null,
            why: Some(no_answer.to_string()),
        },
    }
}

async fn attempt(http: &impl Http, call: &Call, timeout: Duration) -> Result<Answer, NoAnswer> {
    let answer = tokio::time::timeout(timeout, http.send(call)).await;
    answer.unwrap_or(Err(NoAnswer::TimedOut))
}

/// As the engine documents it: 408, 429, 5xx, and no answer at all.
fn is_worth_a_retry(answer: &Result<Answer, NoAnswer>) -> bool {
    match answer {
        Ok(answer) => matches!(answer.status, 408 | 429 | 500..),
        Err(_) => true,
    }
}
