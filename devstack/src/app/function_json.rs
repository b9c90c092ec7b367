//! function.json: the one Service Bus trigger of the function.

use serde::Deserialize;

/// function.json as it stands.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionJson {
    pub(super) bindings: Vec<Binding>,
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
    pub(super) data_type: DataType,
}

#[derive(Debug, Deserialize)]
pub(super) enum TriggerKind {
    #[serde(rename = "serviceBusTrigger")]
    ServiceBus,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Cardinality {
    #[default]
    One,
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
