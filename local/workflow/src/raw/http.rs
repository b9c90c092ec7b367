//! The properties of the Http action.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Http {
    // Required: without it the engine would poll after a 202, which this interpreter does not.
    #[serde(rename = "operationOptions")]
    pub(crate) _operation_options: NoAsyncPattern,
    pub(crate) limit: Limit,
    pub(crate) inputs: Inputs,
}

#[derive(Debug, Deserialize)]
pub(crate) enum NoAsyncPattern {
    DisableAsyncPattern,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    pub(crate) timeout: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Inputs {
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
