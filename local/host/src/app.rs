//! The function app as its files describe it: host.json, `<function>/function.json` and
//! local.settings.json.
//!
//! `host_json` and `function_json` know the keys of their files; `time_span` is .NET's way to write
//! a duration; `local_settings` is JSON as the Functions tools take it.

mod function_json;
mod host_json;
mod local_settings;
mod time_span;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::function_json::{Cardinality, DataType};
use self::function_json::{FunctionJson, is_function_name};
pub use self::host_json::{CustomHandler, Description, HostJson, ServiceBus};
pub use self::time_span::{NotATimeSpan, TimeSpan};

/// App settings by name, as the handler finds them in its environment.
pub type Settings = BTreeMap<String, String>;

/// One function app with one queue-triggered function.
#[derive(Debug, Clone)]
pub struct FunctionApp {
    /// The folder of host.json: the handler's working directory.
    pub root: PathBuf,
    /// The function's name: the name of its folder, and the path the handler is called at.
    pub function: String,
    /// The binding's name: the key of the body in `Data`.
    pub binding: String,
    /// The queue, settings expanded.
    pub queue: String,
    /// The name of the setting that holds the connection.
    pub connection: String,
    pub data_type: DataType,
    /// How many messages an invocation brings.
    pub cardinality: Cardinality,
    /// The largest batch, by function.json or by host.json.
    pub max_message_batch_size: usize,
    /// Whether the queue has sessions.
    pub sessions: bool,
    /// host.json with its overrides.
    pub host: HostJson,
    /// local.settings.json with the caller's overrides.
    pub settings: Settings,
}

impl FunctionApp {
    /// Reads the app in `root`; `overrides` replace or add to the values of local.settings.json.
    ///
    /// # Errors
    /// [`AppError`] for the first file or key that cannot be used.
    pub fn load(root: &Path, overrides: Settings) -> Result<Self, AppError> {
        let mut settings = local_settings::read(&text_of(root, "local.settings.json")?)?;
        settings.extend(overrides);
        let pairs = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut host: HostJson = read(root, "host.json", |json| {
            host_json::apply_overrides(json, pairs);
        })?;
        let path = &mut host.custom_handler.description.default_executable_path;
        *path = expand_known(path, &settings);
        let checked = host.service_bus().check();
        checked.map_err(|(key, problem)| {
            AppError::invalid("host.json", format!("extensions.serviceBus.{key}"), problem)
        })?;
        let function = function_folder(root)?;
        let file = format!("{function}/function.json");
        if !is_function_name(&function) {
            let problem = "expected a letter, then letters, digits, _ and -, 128 at most";
            return Err(AppError::invalid(&file, "the folder's name", problem));
        }
        let trigger = read::<FunctionJson>(root, &file, |_| {})?.sole_trigger();
        let trigger = trigger.map_err(|(key, problem)| AppError::invalid(&file, key, problem))?;
        let queue =
            expand(&trigger.queue_name, &settings).map_err(|name| AppError::MissingSetting {
                name,
                reason: format!("{file}: bindings[0].queueName names it"),
            })?;
        Ok(Self {
            root: root.to_owned(),
            function,
            binding: trigger.name,
            queue,
            connection: trigger.connection,
            data_type: trigger.data_type.unwrap_or_default(),
            cardinality: trigger.cardinality,
            max_message_batch_size: trigger
                .max_message_batch_size
                .unwrap_or_else(|| host.service_bus().max_message_batch_size()),
            sessions: trigger.is_sessions_enabled,
            host,
            settings,
        })
    }

    /// Whether the settings have the host run as Core Tools do.
    #[must_use]
    pub fn is_under_core_tools(&self) -> bool {
        self.has("FUNCTIONS_CORETOOLS_ENVIRONMENT")
    }

    /// Whether the settings name an Application Insights resource.
    #[must_use]
    pub fn has_application_insights(&self) -> bool {
        self.has("APPLICATIONINSIGHTS_CONNECTION_STRING")
            || self.has("APPINSIGHTS_INSTRUMENTATIONKEY")
    }

    fn has(&self, name: &str) -> bool {
        self.settings
            .get(name)
            .is_some_and(|value| !value.is_empty())
    }

    /// The value of a setting that `reason` needs.
    ///
    /// # Errors
    /// [`AppError::MissingSetting`].
    pub fn setting(&self, name: &str, reason: &str) -> Result<&str, AppError> {
        let missing = || AppError::MissingSetting {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        self.settings
            .get(name)
            .map(String::as_str)
            .ok_or_else(missing)
    }
}

/// The name of the one folder with a function.json.
fn function_folder(root: &Path) -> Result<String, AppError> {
    let unreadable = |source| AppError::Unreadable {
        file: root.display().to_string(),
        source,
    };
    let mut functions = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join("function.json").is_file() {
            functions.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    match <[String; 1]>::try_from(functions) {
        Ok([function]) => Ok(function),
        Err(all) => Err(AppError::Functions {
            root: root.display().to_string(),
            found: all.len(),
        }),
    }
}

/// Reads a JSON file below `root`, after `change` was made to it.
fn read<T: DeserializeOwned>(
    root: &Path,
    file: &str,
    change: impl FnOnce(&mut Value),
) -> Result<T, AppError> {
    let text = local_settings::plain_json(&text_of(root, file)?);
    let mut json: Value = serde_json::from_str(&text).map_err(|error| {
        AppError::invalid(file, "the whole file", format!("expected JSON: {error}"))
    })?;
    change(&mut json);
    serde_path_to_error::deserialize(json).map_err(|error| {
        AppError::invalid(file, error.path().to_string(), error.inner().to_string())
    })
}

fn text_of(root: &Path, file: &str) -> Result<String, AppError> {
    std::fs::read_to_string(root.join(file)).map_err(|source| AppError::Unreadable {
        file: file.to_owned(),
        source,
    })
}

/// Replaces each `%NAME%` by that setting's value; the error is the name that is not set.
fn expand(text: &str, settings: &Settings) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_name(rest) {
        expanded.push_str(before);
        expanded.push_str(settings.get(name).ok_or(name)?);
        rest = after;
    }
    Ok(expanded + rest)
}

/// Replaces each `%NAME%` that is set, and leaves the others as they are.
fn expand_known(text: &str, settings: &Settings) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_name(rest) {
        expanded.push_str(before);
        match settings.get(name) {
            Some(value) => expanded.push_str(value),
            None => expanded.extend(["%", name, "%"]),
        }
        rest = after;
    }
    expanded + rest
}

/// What stands before `%NAME%`, the name, and what stands behind.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, tail) = text.split_once('%')?;
    let (name, after) = tail.split_once('%')?;
    Some((before, name, after))
}

/// A file of the app that cannot be used: it says which, where in it, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The file is missing or unreadable.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file, relative to the app root.
        file: String,
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
    #[error("{root}: expected one folder with a function.json, found {found}")]
    Functions { root: String, found: usize },
    /// A setting that something needs is not there.
    #[error("local.settings.json: Values.{name}: expected a value, because {reason}; found none")]
    MissingSetting {
        name: String,
        /// Who asks for it.
        reason: String,
    },
}

impl AppError {
    fn invalid(file: &str, key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            file: file.to_owned(),
            key: key.into(),
            problem: problem.into(),
        }
    }
}
