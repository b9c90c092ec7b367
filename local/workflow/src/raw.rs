//! The definition as JSON: which properties there are. Serde refuses the others by name.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::outcome::{RunError, RunStatus};
use crate::table::Format;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Definition {
    #[serde(rename = "$schema")]
    pub(crate) _schema: IgnoredAny,
    #[serde(rename = "contentVersion")]
    pub(crate) _content_version: IgnoredAny,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) triggers: Map<String, Value>,
    pub(crate) actions: Map<String, Value>,
    #[serde(default)]
    pub(crate) outputs: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    pub(crate) r#type: ParameterType,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) enum ParameterType {
    String,
    Array,
}

/// The request trigger. What has one legal value only is read so that another one is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Trigger {
    #[serde(rename = "type")]
    pub(crate) _type: RequestType,
    #[serde(rename = "kind")]
    pub(crate) _kind: HttpKind,
    #[serde(rename = "operationOptions")]
    pub(crate) _operation_options: SchemaValidation,
    /// What the run history hides: here is none.
    #[serde(rename = "runtimeConfiguration")]
    pub(crate) _runtime_configuration: Option<serde::de::IgnoredAny>,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) inputs: TriggerInputs,
}

#[derive(Debug, Deserialize)]
pub(crate) enum RequestType {
    Request,
}

#[derive(Debug, Deserialize)]
pub(crate) enum HttpKind {
    Http,
}

#[derive(Debug, Deserialize)]
pub(crate) enum SchemaValidation {
    EnableSchemaValidation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Correlation {
    pub(crate) client_tracking_id: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerInputs {
    #[serde(rename = "method")]
    pub(crate) _method: PostMethod,
    pub(crate) schema: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum PostMethod {
    Post,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    pub(crate) actions: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct If {
    pub(crate) expression: Value,
    pub(crate) actions: Map<String, Value>,
    pub(crate) r#else: Option<Scope>,
}

/// An action that has nothing but inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plain<T> {
    pub(crate) inputs: T,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    #[serde(rename = "kind")]
    pub(crate) _kind: HttpKind,
    pub(crate) inputs: ResponseInputs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ResponseInputs {
    pub(crate) status_code: Value,
    #[serde(default)]
    pub(crate) headers: Value,
    #[serde(default)]
    pub(crate) body: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) from: Value,
    pub(crate) format: Format,
    pub(crate) columns: Vec<Column>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub(crate) header: String,
    pub(crate) value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Terminate {
    pub(crate) run_status: RunStatus,
    pub(crate) run_error: Option<RunError>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Http {
    // Required: without it the engine would poll after a 202, which this interpreter does not.
    #[serde(rename = "operationOptions")]
    pub(crate) _operation_options: NoAsyncPattern,
    pub(crate) limit: HttpLimit,
    pub(crate) inputs: HttpInputs,
}

#[derive(Debug, Deserialize)]
pub(crate) enum NoAsyncPattern {
    DisableAsyncPattern,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpLimit {
    pub(crate) timeout: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct HttpInputs {
    pub(crate) method: Value,
    pub(crate) uri: Value,
    #[serde(default)]
    pub(crate) headers: Value,
    #[serde(default)]
    pub(crate) body: Value,
    pub(crate) authentication: Option<Authentication>,
    // Required: the engine's default would be four exponential retries.
    pub(crate) retry_policy: RetryPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "type")]
pub(crate) enum Authentication {
    ManagedServiceIdentity { audience: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "type")]
pub(crate) enum RetryPolicy {
    Fixed { count: u8, interval: String },
    None {},
}
