//! The definition as JSON: which properties there are. Serde refuses the others by name.

pub(super) mod http;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::definition::{TerminateError, TerminateStatus};
use super::table::Format;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Definition {
    #[serde(rename = "$schema")]
    pub(super) _schema: IgnoredAny,
    #[serde(rename = "contentVersion")]
    pub(super) _content_version: IgnoredAny,
    pub(super) parameters: Map<String, Value>,
    pub(super) triggers: Map<String, Value>,
    pub(super) actions: Map<String, Value>,
    #[serde(default)]
    pub(super) outputs: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    pub(super) r#type: ParameterType,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) enum ParameterType {
    String,
    Array,
}

/// The request trigger. What has one legal value only is read so that another one is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Trigger {
    #[serde(rename = "type")]
    pub(super) _type: RequestType,
    #[serde(rename = "kind")]
    pub(super) _kind: HttpKind,
    #[serde(rename = "operationOptions")]
    pub(super) _operation_options: SchemaValidation,
    pub(super) correlation: Option<Correlation>,
    pub(super) inputs: TriggerInputs,
}

#[derive(Debug, Deserialize)]
pub(super) enum RequestType {
    Request,
}

#[derive(Debug, Deserialize)]
pub(super) enum HttpKind {
    Http,
}

#[derive(Debug, Deserialize)]
pub(super) enum SchemaValidation {
    EnableSchemaValidation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Correlation {
    pub(super) client_tracking_id: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerInputs {
    #[serde(rename = "method")]
    pub(super) _method: PostMethod,
    pub(super) schema: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum PostMethod {
    Post,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    pub(super) actions: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct If {
    pub(super) expression: Value,
    pub(super) actions: Map<String, Value>,
    pub(super) r#else: Option<Scope>,
}

/// An action that has nothing but inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plain<T> {
    pub(super) inputs: T,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    #[serde(rename = "kind")]
    pub(super) _kind: HttpKind,
    pub(super) inputs: ResponseInputs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ResponseInputs {
    pub(super) status_code: Value,
    #[serde(default)]
    pub(super) headers: Value,
    #[serde(default)]
    pub(super) body: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) from: Value,
    pub(super) format: Format,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Terminate {
    pub(super) run_status: TerminateStatus,
    pub(super) run_error: Option<TerminateError>,
}
