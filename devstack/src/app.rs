//! The function app as its files describe it: host.json, `<function>/function.json` and local.settings.json.

mod error;
mod function_json;
mod host_json;
mod time_span;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use error::AppError;
pub use function_json::DataType;
use function_json::{Cardinality, FunctionJson};
pub use host_json::{CustomHandler, Description, HostJson, ServiceBus};
pub use time_span::{NotATimeSpan, TimeSpan};

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
    /// The form of the body.
    pub data_type: DataType,
    /// Whether the queue has sessions.
    pub sessions: bool,
    /// host.json with its overrides.
    pub host: HostJson,
    /// local.settings.json with the caller's overrides.
    pub settings: Settings,
}

#[derive(Deserialize)]
struct LocalSettings {
    #[serde(rename = "Values")]
    values: Settings,
}

impl FunctionApp {
    /// Reads the app in `root`; `overrides` replace or add to the values of local.settings.json.
    ///
    /// # Errors
    /// [`AppError`] for the first file or key that cannot be used.
    pub fn load(root: &Path, overrides: Settings) -> Result<Self, AppError> {
        let mut settings = read::<LocalSettings>(root, "local.settings.json", |_| {})?.values;
        settings.extend(overrides);
        let pairs = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let host: HostJson = read(root, "host.json", |json| {
            host_json::apply_overrides(json, pairs);
        })?;
        let checked = host.service_bus().check();
        checked.map_err(|(key, problem)| AppError::Invalid {
            file: "host.json".to_owned(),
            key: format!("extensions.serviceBus.{key}"),
            problem,
        })?;
        let function = function_folder(root)?;
        let file = format!("{function}/function.json");
        let trigger = sole_trigger(&file, read(root, &file, |_| {})?)?;
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
            data_type: trigger.data_type,
            sessions: trigger.is_sessions_enabled,
            host,
            settings,
        })
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

fn sole_trigger(file: &str, function: FunctionJson) -> Result<function_json::Binding, AppError> {
    let invalid = |key: &str, problem: &str| AppError::Invalid {
        file: file.to_owned(),
        key: key.to_owned(),
        problem: problem.to_owned(),
    };
    let found = function.bindings.len();
    let [binding] = <[_; 1]>::try_from(function.bindings).map_err(|_| {
        invalid(
            "bindings",
            &format!("expected one serviceBusTrigger, found {found} bindings"),
        )
    })?;
    if binding.cardinality == Cardinality::Many {
        return Err(invalid(
            "bindings[0].cardinality",
            "expected \"one\": the local host sends no batches",
        ));
    }
    Ok(binding)
}

fn read<T: DeserializeOwned>(
    root: &Path,
    file: &str,
    change: impl FnOnce(&mut Value),
) -> Result<T, AppError> {
    let invalid = |key: String, problem: String| AppError::Invalid {
        file: file.to_owned(),
        key,
        problem,
    };
    let text = std::fs::read_to_string(root.join(file)).map_err(|source| AppError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    let mut json: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            invalid(
                "the whole file".to_owned(),
                format!("expected JSON: {error}"),
            )
        })?;
    change(&mut json);
    serde_path_to_error::deserialize(json)
        .map_err(|error| invalid(error.path().to_string(), error.inner().to_string()))
}

/// Replaces each `%NAME%` by that setting's value; the error is the name that is not set.
fn expand(text: &str, settings: &Settings) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('%') {
        let Some((name, after)) = tail.split_once('%') else {
            break;
        };
        expanded.push_str(before);
        expanded.push_str(settings.get(name).ok_or(name)?);
        rest = after;
    }
    Ok(expanded + rest)
}
