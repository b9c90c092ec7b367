//! The body of the fallback request, version 1: the trigger schema of the workflow in `infra/`.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Notice;
use crate::order::Delivery;

/// How much of an unreadable body is handed over, in bytes: the e-mail has to stay readable.
pub(super) const RAW_BODY_MAX: usize = 64 * 1024;

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
    truncated: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(notice: &'a Notice<'_>) -> Self {
        let delivery = notice.delivery;
        let order = notice.order.and_then(|order| raw_json(&order.body));
        Self {
            schema_version: 1,
            operation_id: operation_id(delivery),
            traceparent: delivery.traceparent.as_deref(),
            raw_body: order.is_none().then(|| RawBody::new(&delivery.body)),
            order,
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
        }
    }
}

/// The order byte for byte; an [`crate::order::Order`] always is JSON.
fn raw_json(body: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(body).ok()
}

impl<'a> RawBody<'a> {
    /// As text where a mail can show it, else as base64; cut at a character's end.
    fn new(body: &'a [u8]) -> Self {
        let text = std::str::from_utf8(body)
            .ok()
            .filter(|text| !text.contains(|c: char| c.is_control() && !"\t\r\n".contains(c)));
        let (encoding, data, shown) = match text {
            Some(text) => {
                let shown = text.floor_char_boundary(RAW_BODY_MAX);
                let (shown_text, _) = text.split_at(shown);
                ("utf-8", Cow::Borrowed(shown_text), shown)
            }
            None => {
                let shown = body.len().min(RAW_BODY_MAX);
                let (shown_bytes, _) = body.split_at(shown);
                ("base64", Cow::Owned(STANDARD.encode(shown_bytes)), shown)
            }
        };
        Self {
            encoding,
            data,
            length: body.len(),
            truncated: shown < body.len(),
        }
    }
}
