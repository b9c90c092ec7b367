//! The body of the fallback request, version 1: the trigger schema of the workflow in `infra/`.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{FallbackError, Notice};
use crate::order::Delivery;

/// The longest unreadable body that is handed over, in bytes: the largest message of a Standard
/// namespace. A cut one would be lost with its acknowledgement, so a longer one stays in the queue.
pub(super) const RAW_BODY_MAX: usize = 256 * 1024;

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
pub(super) struct Request<'a> {
    schema_version: u8,
    operation_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_body: Option<RawBody<'a>>,
    failure: Failure<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
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
    /// Version 1 has cut bodies; this sender sends none.
    truncated: bool,
}

impl<'a> Request<'a> {
    /// # Errors
    /// [`FallbackError::TooLong`].
    pub(super) fn new(notice: &'a Notice<'_>) -> Result<Self, FallbackError> {
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
            failure: Failure {
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

/// The order byte for byte; an [`crate::order::Order`] always is JSON.
fn raw_json(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

impl<'a> RawBody<'a> {
    /// As text where a mail can show it, else as base64.
    fn new(body: &'a [u8]) -> Result<Self, FallbackError> {
        if body.len() > RAW_BODY_MAX {
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
