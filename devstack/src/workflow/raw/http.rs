//! The properties of the Http action.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::workflow) struct Http {
    // Required: without it the engine would poll after a 202, which this interpreter does not.
    #[serde(rename = "operationOptions")]
    pub(in crate::workflow) _operation_options: NoAsyncPattern,
    pub(in crate::workflow) limit: Limit,
    pub(in crate::workflow) inputs: Inputs,
}

#[derive(Debug, Deserialize)]
pub(in crate::workflow) enum NoAsyncPattern {
    DisableAsyncPattern,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::workflow) struct Limit {
    pub(in crate::workflow) timeout: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::workflow) struct Inputs {
    pub(in crate::workflow) method: Value,
    pub(in crate::workflow) uri: Value,
    #[serde(default)]
    pub(in crate::workflow) headers: Value,
    #[serde(default)]
    pub(in crate::workflow) body: Value,
    pub(in crate::workflow) authentication: Option<Authentication>,
    // Required: the engine's default would be four exponential retries.
    pub(in crate::workflow) retry_policy: RetryPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "type")]
pub(in crate::workflow) enum Authentication {
    ManagedServiceIdentity { audience: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "type")]
pub(in crate::workflow) enum RetryPolicy {
    Fixed { count: u8, interval: String },
    None {},
}
