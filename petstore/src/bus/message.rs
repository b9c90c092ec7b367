//! What is sent, and how that can fail.

use std::time::Duration;

use azure_app::http_client::root_cause;
use service_bus::RequestError;

use crate::session::SessionId;

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Whose order.
    pub session: &'a SessionId,
    /// Made once per change, and the same at every try: the queue drops duplicates by it.
    pub message_id: &'a str,
    /// W3C `traceparent`.
    pub traceparent: &'a str,
    /// The order.
    pub body: &'a str,
}

/// The bus did not take the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may take it later: busy, broken, or not to be reached.
    #[error("{problem}")]
    Later {
        /// What happened.
        problem: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// It will not, until a person changes something.
    #[error("{0}")]
    Refused(String),
}

/// Both may go better later: an identity that answers badly, and a bus that does not.
impl From<RequestError> for SendError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Token(error) => Self::later(error.to_string()),
            RequestError::Http(error) => Self::later(root_cause(&error)),
        }
    }
}

impl SendError {
    pub(crate) fn later(problem: impl Into<String>) -> Self {
        Self::Later {
            problem: problem.into(),
            retry_after: None,
        }
    }
}
