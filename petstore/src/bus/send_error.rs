//! How a send can fail.

use std::time::Duration;

use azure_app::http_client::root_cause;
use service_bus::RequestError;

/// The bus did not say that it has the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may take it later, or have it: busy, broken, or not to be reached.
    #[error("{problem}")]
    Later {
        /// What happened.
        problem: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// It will not, until a person changes something.
    #[error("{problem}")]
    Refused {
        /// What it said, and what to look at.
        problem: String,
        /// Whether it is about this one message, and not about who sends or where to.
        of_message: bool,
    },
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
