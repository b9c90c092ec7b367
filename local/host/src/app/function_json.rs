//! function.json: the one Service Bus trigger of the function.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct FunctionJson {
    pub(super) bindings: Vec<Binding>,
}

impl FunctionJson {
    /// The binding, when it is the only one and this host can serve it; the error names the key.
    pub(super) fn sole_trigger(self) -> Result<Binding, (&'static str, String)> {
        let found = self.bindings.len();
        let [binding] = <[_; 1]>::try_from(self.bindings).map_err(|_| {
            let problem = format!("expected one serviceBusTrigger, found {found} bindings");
            ("bindings", problem)
        })?;
        if binding.cardinality == Cardinality::Many && binding.data_type.is_none() {
            let problem = "expected \"binary\" or \"string\" beside cardinality \"many\": without it \
                the host parses every body as JSON, and one that is none fails its whole batch; \
                found none";
            return Err(("bindings[0].dataType", problem.to_owned()));
        }
        if binding.max_message_batch_size == Some(0) {
            let problem = "expected at least 1, found 0";
            return Err(("bindings[0].maxMessageBatchSize", problem.to_owned()));
        }
        let letter_or_digit = |c: char| c.is_ascii_alphanumeric();
        if !is_name(&binding.name, letter_or_digit) {
            let problem = format!(
                "expected a letter, then letters and digits, 128 at most; found {:?}",
                binding.name
            );
            return Err(("bindings[0].name", problem));
        }
        Ok(binding)
    }
}

/// Whether the host takes it for a function's name, which is its folder's.
pub(super) fn is_function_name(name: &str) -> bool {
    is_name(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn is_name(name: &str, may_follow: impl Fn(char) -> bool) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    starts_well && name.len() <= 128 && name.chars().all(may_follow)
}

/// A binding; only a Service Bus queue trigger can be one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Binding {
    #[serde(rename = "type")]
    pub(super) _kind: TriggerKind,
    pub(super) name: String,
    pub(super) queue_name: String,
    pub(super) connection: String,
    #[serde(default)]
    pub(super) is_sessions_enabled: bool,
    #[serde(default)]
    pub(super) cardinality: Cardinality,
    #[serde(default)]
    pub(super) data_type: Option<DataType>,
    /// In place of the one in host.json.
    #[serde(default)]
    pub(super) max_message_batch_size: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) enum TriggerKind {
    #[serde(rename = "serviceBusTrigger")]
    ServiceBus,
}

/// How many messages an invocation brings: key `cardinality`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cardinality {
    /// One.
    #[default]
    One,
    /// Those that are there, up to `maxMessageBatchSize`.
    Many,
}

/// The form in which the handler gets the body: key `dataType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// Exact bytes, as base64; Metadata is the broker's.
    Binary,
    /// Text, encoded twice; the body's own properties get into Metadata.
    #[default]
    String,
}
