//! host.json: what the Functions host takes from it, with the host's defaults.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::time_span::TimeSpan;

const BATCH_WAIT_MAX: Duration = Duration::from_secs(150);

/// The keys of host.json that this host acts on; it passes over the others, as the real one does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostJson {
    /// How long one invocation may take; then the handler is killed.
    #[serde(default = "default_function_timeout")]
    pub function_timeout: TimeSpan,
    pub custom_handler: CustomHandler,
    #[serde(default)]
    extensions: Extensions,
}

impl HostJson {
    /// The Service Bus extension's settings.
    #[must_use]
    pub fn service_bus(&self) -> &ServiceBus {
        &self.extensions.service_bus
    }
}

/// Section `customHandler`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomHandler {
    pub description: Description,
    /// How long the handler may take to answer its first request.
    #[serde(default = "default_initialization_timeout")]
    pub initialization_timeout: TimeSpan,
}

/// Section `customHandler.description`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Relative to the app root when a file is there, else a command on the PATH; `%NAME%` stands
    /// for a setting.
    pub default_executable_path: String,
    /// Passed on as they are. The real host joins them with spaces and quotes nothing: one with a
    /// space becomes two.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// When true, every line on stderr is a warning or an error.
    #[serde(default = "default_true")]
    pub use_std_error_stream_for_errors_only: bool,
}

/// Section `extensions.serviceBus`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceBus {
    /// How long the lock of one delivery is renewed.
    pub max_auto_lock_renewal_duration: TimeSpan,
    /// Deliveries in flight at a time.
    pub max_concurrent_calls: usize,
    /// Sessions held at a time, one message in flight in each.
    pub max_concurrent_sessions: usize,
    /// Must be 1: more would give up the order within a session.
    pub max_concurrent_calls_per_session: usize,
    /// How long an empty session is held; the extension takes its time limit for one try (1 min)
    /// when nothing is set.
    pub session_idle_timeout: TimeSpan,
    /// Must be true: a custom handler cannot settle a message itself.
    pub auto_complete_messages: bool,
    max_message_batch_size: Option<usize>,
    /// Fewer messages than that wait for others, for `max_batch_wait_time`.
    pub min_message_batch_size: usize,
    /// How long a batch that is too small is kept; 2 min 30 s at most.
    pub max_batch_wait_time: TimeSpan,
    batch_options: BatchOptions,
}

/// Section `batchOptions`, the former name of a part of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BatchOptions {
    max_message_count: Option<usize>,
}

impl ServiceBus {
    /// The largest batch.
    #[must_use]
    pub fn max_message_batch_size(&self) -> usize {
        let former = self.batch_options.max_message_count;
        self.max_message_batch_size.or(former).unwrap_or(1000)
    }

    /// The key below `extensions.serviceBus` that cannot work here, and what was expected.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !self.auto_complete_messages {
            let problem = "expected true: a custom handler cannot complete a message itself";
            return Err(("autoCompleteMessages", problem.to_owned()));
        }
        let most = self.max_message_batch_size();
        for (key, value) in [
            ("maxConcurrentCalls", self.max_concurrent_calls),
            ("maxConcurrentSessions", self.max_concurrent_sessions),
            ("maxMessageBatchSize", most),
            ("minMessageBatchSize", self.min_message_batch_size),
        ] {
            if value == 0 {
                return Err((key, "expected at least 1, found 0".to_owned()));
            }
        }
        let least = self.min_message_batch_size;
        if least > most {
            let problem = format!("expected at most maxMessageBatchSize, {most}; found {least}");
            return Err(("minMessageBatchSize", problem));
        }
        let wait = self.max_batch_wait_time.limit();
        if wait.is_none_or(|wait| wait > BATCH_WAIT_MAX) {
            let problem = "expected at most 00:02:30: what waits longer may lose its lock";
            return Err(("maxBatchWaitTime", problem.to_owned()));
        }
        let calls = self.max_concurrent_calls_per_session;
        if calls != 1 {
            let problem =
                format!("expected 1: more gives up the order of a session; found {calls}");
            return Err(("maxConcurrentCallsPerSession", problem));
        }
        Ok(())
    }
}

impl Default for ServiceBus {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            max_auto_lock_renewal_duration: TimeSpan::from_secs(5 * 60),
            max_concurrent_calls: 16 * cores,
            max_concurrent_sessions: 8,
            max_concurrent_calls_per_session: 1,
            session_idle_timeout: TimeSpan::from_secs(60),
            auto_complete_messages: true,
            max_message_batch_size: None,
            min_message_batch_size: 1,
            max_batch_wait_time: TimeSpan::from_secs(30),
            batch_options: BatchOptions::default(),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Extensions {
    service_bus: ServiceBus,
}

/// Lays the settings `AzureFunctionsJobHost__a__b=value` over host.json's `{"a":{"b":…}}`, names in
/// any case.
pub(super) fn apply_overrides<'a>(
    document: &mut Value,
    settings: impl Iterator<Item = (&'a str, &'a str)>,
) {
    const PREFIX: &str = "AzureFunctionsJobHost__";
    for (name, text) in settings {
        let Some((prefix, path)) = name.split_at_checked(PREFIX.len()) else {
            continue;
        };
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            continue;
        }
        let mut place = &mut *document;
        for key in path.split("__") {
            place = member(place, key);
        }
        // A setting is text; where host.json has a number or a boolean it has to become one again.
        *place = match serde_json::from_str(text) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
            _ => Value::String(text.to_owned()),
        };
    }
}

fn member<'a>(place: &'a mut Value, key: &str) -> &'a mut Value {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let key = match place.as_object() {
        Some(map) => map
            .keys()
            .find(|known| known.eq_ignore_ascii_case(key))
            .map_or(key, String::as_str)
            .to_owned(),
        None => key.to_owned(),
    };
    &mut place[key]
}

fn default_function_timeout() -> TimeSpan {
    TimeSpan::from_secs(30 * 60)
}

fn default_initialization_timeout() -> TimeSpan {
    TimeSpan::from_secs(30)
}

fn default_true() -> bool {
    true
}
