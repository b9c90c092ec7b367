//! The Logic App: one POST to its HTTP trigger, and only a 2xx counts.
//!
//! The body is version 1 of the trigger's schema, which stands in the workflow in `infra/`.

use std::{borrow::Cow, fmt, sync::Arc};

use azure_app::http_client::root_cause;
use azure_core::credentials::TokenCredential;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;
use uuid::Uuid;

use super::{Fallback, FallbackError, Notice};
use crate::order::{Delivery, MESSAGE_MAX};

/// The trigger of the workflow that mails an order to a person.
pub struct LogicApp {
    /// The trigger's URL; may carry a signature, so it is not for logs.
    pub url: Url,
    /// Who sends the request.
    pub client: reqwest::Client,
    /// How requests are authorized; `None` when the URL is signed, or open on a laptop.
    pub authorization: Option<Authorization>,
}

/// An Entra token with every request.
pub struct Authorization {
    /// Where the tokens come from.
    pub credential: Arc<dyn TokenCredential>,
    /// For what, as `https://management.azure.com/.default`.
    pub scope: String,
}

impl fmt::Debug for LogicApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogicApp")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl LogicApp {
    async fn token(&self) -> Result<Option<String>, FallbackError> {
        let Some(Authorization { credential, scope }) = &self.authorization else {
            return Ok(None);
        };
        let token = credential.get_token(&[scope], None).await;
        let token = token.map_err(|error| FallbackError::Credential(root_cause(&error)))?;
        Ok(Some(format!("Bearer {}", token.token.secret())))
    }
}

impl Fallback for LogicApp {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let body = serde_json::to_vec(&FallbackRequest::new(notice)?)
            .map_err(|error| FallbackError::Unreachable(error.to_string()))?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(
                "x-ms-client-tracking-id",
                operation_id(notice.delivery).to_string(),
            )
            .body(body);
        if let Some(token) = self.token().await? {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(traceparent) = &notice.delivery.traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await;
        let status = answer
            .map_err(|error| FallbackError::Unreachable(root_cause(&error)))?
            .status();
        if status.is_success() {
            Ok(())
        } else {
            Err(FallbackError::Refused(status.as_u16()))
        }
    }
}

/// The same operation for every delivery of a message: UUID v5 (RFC 9562) of the message id, or
/// of the body where there is none.
#[must_use]
pub fn operation_id(delivery: &Delivery) -> Uuid {
    let name = match &delivery.message_id {
        Some(id) if !id.is_empty() => id.as_bytes(),
        _ => &delivery.body,
    };
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FallbackRequest<'a> {
    schema_version: u8,
    operation_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_body: Option<RawBody<'a>>,
    failure: FailureBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureBody<'a> {
    reason: String,
    attempts: u32,
    session_id: Option<&'a str>,
    blob_name: Option<String>,
    message_id: Option<&'a str>,
    sequence_number: Option<u64>,
    delivery_count: Option<u32>,
    enqueued_time: Option<String>,
}

#[derive(Serialize)]
struct RawBody<'a> {
    encoding: &'static str,
    data: Cow<'a, str>,
    length: usize,
    /// Version 1 allows for cut bodies. This sender cuts none, so it is always false.
    truncated: bool,
}

impl<'a> FallbackRequest<'a> {
    /// # Errors
    /// [`FallbackError::TooLong`].
    fn new(notice: &'a Notice<'_>) -> Result<Self, FallbackError> {
        let delivery = notice.delivery;
        let order = notice.order.and_then(|order| raw_json(&order.body));
        let raw_body = match order {
            Some(_) => None,
            None => Some(RawBody::new(&delivery.body)?),
        };
        Ok(Self {
            schema_version: 1,
            operation_id: operation_id(delivery),
            traceparent: delivery.traceparent.as_deref(),
            order,
            raw_body,
            failure: FailureBody {
                reason: notice.reason.to_string(),
                attempts: notice.reason.attempts(),
                session_id: match notice.order {
                    Some(order) => Some(order.session.as_str()),
                    None => delivery.session_id.as_deref(),
                },
                blob_name: notice.blob_name().map(|name| name.to_string()),
                message_id: delivery.message_id.as_deref(),
                sequence_number: delivery.sequence_number.map(|number| number.0),
                delivery_count: delivery.delivery_count,
                enqueued_time: delivery.enqueued.map(|time| time.to_string()),
            },
        })
    }
}

/// The order byte for byte; an [`Order`](crate::order::Order) always is JSON.
fn raw_json(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

impl<'a> RawBody<'a> {
    /// As text where a mail can show it, else as base64. A cut body would be lost with its
    /// acknowledgement, so a message longer than the broker takes stays in the queue.
    fn new(body: &'a [u8]) -> Result<Self, FallbackError> {
        if body.len() > MESSAGE_MAX {
            return Err(FallbackError::TooLong(body.len()));
        }
        let text = std::str::from_utf8(body)
            .ok()
            .filter(|text| !text.contains(|c: char| c.is_control() && !"\t\r\n".contains(c)));
        let (encoding, data) = match text {
            Some(text) => ("utf-8", Cow::Borrowed(text)),
            None => ("base64", Cow::Owned(STANDARD.encode(body))),
        };
        Ok(Self {
            encoding,
            data,
            length: body.len(),
            truncated: false,
        })
    }
}
