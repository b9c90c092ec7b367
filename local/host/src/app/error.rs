//! What can be wrong with the app's files.

/// A file of the app that cannot be used: it says which, where in it, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The file is missing or unreadable.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file, relative to the app root.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A value is not what the key needs.
    #[error("{file}: {key}: {problem}")]
    Invalid {
        /// The file, relative to the app root.
        file: String,
        /// The path of the key, with dots.
        key: String,
        /// What was expected, and what stands there.
        problem: String,
    },
    /// Not exactly one function.
    #[error("{root}: expected one folder with a function.json, found {found}")]
    Functions {
        /// The app root.
        root: String,
        /// How many there are.
        found: usize,
    },
    /// A setting that something needs is not there.
    #[error("local.settings.json: Values.{name}: expected a value, because {reason}; found none")]
    MissingSetting {
        /// The setting.
        name: String,
        /// Who asks for it.
        reason: String,
    },
}

impl AppError {
    pub(super) fn invalid(file: &str, key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            file: file.to_owned(),
            key: key.into(),
            problem: problem.into(),
        }
    }
}
