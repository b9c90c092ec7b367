//! The settings: the function's own, and where its queue is. Every mistake is reported at once.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use order_items_reserver::{
    azure_app::settings::{self, Mistakes, Source},
    config::Settings,
};
use serde::Deserialize;
use service_bus::Queue;

/// The settings of the local stack, as the Functions host reads them; beside `host.json`.
pub const LOCAL_SETTINGS: &str = "local.settings.json";

/// Reads the settings of the queue alone: enough to look at its dead letters.
///
/// # Errors
/// Lists everything that is missing or wrong.
pub fn queue(source: Source<'_>) -> Result<Queue, Mistakes> {
    settings::read(&[], source, Queue::read)
}

/// Reads those of the queue and those of the function.
///
/// # Errors
/// Lists everything that is missing or wrong in either.
pub fn all(source: Source<'_>) -> Result<(Queue, Settings), Mistakes> {
    match (queue(source), Settings::read(source)) {
        (Ok(queue), Ok(settings)) => Ok((queue, settings)),
        (queue, settings) => {
            let mistakes = [queue.err(), settings.err()];
            let all = mistakes.into_iter().flatten().flat_map(|it| it.0);
            Err(Mistakes(all.collect()))
        }
    }
}

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
pub enum LocalSettingsError {
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
    pub fn read(path: &Path) -> Result<Self, LocalSettingsError> {
        let text =
            fs::read(path).map_err(|error| LocalSettingsError::Io(path.to_owned(), error))?;
        let settings: Self = serde_json::from_slice(&text)
            .map_err(|error| LocalSettingsError::Form(path.to_owned(), error.line()))?;
        match settings.encrypted {
            true => Err(LocalSettingsError::Encrypted(path.to_owned())),
            false => Ok(settings),
        }
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }
}
