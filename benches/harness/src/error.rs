//! Why a measurement could not be made.

use std::io;

/// What was being done, and what came in between.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The system refused.
    #[error("cannot {what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// The system's word.
        source: io::Error,
    },
    /// Something is not as it has to be.
    #[error("{what}: expected {expected}, found {found}")]
    Unexpected {
        /// Where.
        what: String,
        /// What would have been right.
        expected: String,
        /// What is there instead.
        found: String,
    },
    /// A figure is worse than its budget.
    #[error("{0}")]
    OverBudget(String),
}

impl BenchError {
    /// Something is not as it has to be.
    pub fn unexpected(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Unexpected {
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// For `map_err`: names what failed.
pub fn doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
    let what = what.into();
    move |source| BenchError::System { what, source }
}
