//! Why a queue's journal cannot be opened.

/// The journal is not usable; it is left as it was found.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error(
        "{path}: another local stack keeps its queue here: stop it first, or start this one with a folder of its own"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// A line that is not the torn end.
    #[error(
        "{path}: line {line}: {problem}; repair that line, or start anew with `cargo local reset`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// What was expected.
        problem: String,
    },
}
