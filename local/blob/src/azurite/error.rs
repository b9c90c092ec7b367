//! Why there is no Azurite.

use std::io;
use std::path::PathBuf;

/// Azurite cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AzuriteError {
    /// A program is missing.
    #[error(
        "Azurite needs {program}, which cannot be run ({source}); install Node.js 20 or later with npm"
    )]
    Missing {
        /// `npm` or `node`.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// npm failed.
    #[error("npm could not install Azurite: {0}")]
    Npm(String),
    /// It ended, or said nothing.
    #[error("Azurite did not start on port {port}: {said}")]
    NotStarted {
        /// The port it was to have.
        port: u16,
        /// Its last words.
        said: String,
    },
    /// A file.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
