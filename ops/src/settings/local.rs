//! `local.settings.json`: the settings of the local stack, as the Functions host reads them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The file's name, beside `host.json`.
pub const FILE: &str = "local.settings.json";

/// The `Values` of a file.
#[derive(Debug, Deserialize)]
pub struct LocalSettings {
    #[serde(rename = "IsEncrypted", default)]
    encrypted: bool,
    #[serde(rename = "Values", default)]
    values: BTreeMap<String, String>,
}

/// Why the file is of no use. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Not there, or not readable.
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// Not of its form.
    #[error("{}: line {}: expected {{\"Values\": {{\"name\": \"value\", …}}}}", .0.display(), .1)]
    Form(PathBuf, usize),
    /// Only the Functions tools can read it.
    #[error("{}: IsEncrypted is true; decrypt it with `func settings decrypt`", .0.display())]
    Encrypted(PathBuf),
}

impl LocalSettings {
    /// Reads `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not of its form.
    pub fn read(path: &Path) -> Result<Self, LocalError> {
        let text = fs::read(path).map_err(|error| LocalError::Io(path.to_owned(), error))?;
        let settings: Self = serde_json::from_slice(&text)
            .map_err(|error| LocalError::Form(path.to_owned(), error.line()))?;
        match settings.encrypted {
            true => Err(LocalError::Encrypted(path.to_owned())),
            false => Ok(settings),
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }
}
