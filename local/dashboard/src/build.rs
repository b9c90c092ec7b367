//! What `cargo local --watch` builds: the page says it, so that nobody tries yesterday's function.

use serde::Serialize;

use crate::text::cut;

/// The longest error that is shown, in characters.
const ERROR_MAX: usize = 4_000;

/// How the newest build stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum BuildState {
    /// What runs is what was saved last.
    #[default]
    Current,
    Building,
    /// What runs is what was built before.
    Failed {
        /// The first error, as the compiler has it.
        error: String,
    },
}

impl BuildState {
    /// A failure with the first error of it.
    #[must_use]
    pub fn failed(error: &str) -> Self {
        Self::Failed {
            error: cut(error, ERROR_MAX),
        }
    }
}
