//! The function app as its files describe it: host.json, `<function>/function.json` and local.settings.json.

mod error;
mod files;
mod function_json;
mod host_json;
mod settings;
mod time_span;

use std::path::{Path, PathBuf};

pub use error::AppError;
use files::{function_folder, read};
pub use function_json::DataType;
use function_json::{FunctionJson, is_function_name};
pub use host_json::{CustomHandler, Description, HostJson, ServiceBus};
pub use settings::Settings;
use settings::{LocalSettings, expand, expand_known};
pub use time_span::{NotATimeSpan, TimeSpan};

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
