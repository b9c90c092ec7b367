//! A send request: one message, or a batch of text messages.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::queue::Message;
use crate::rest::broker_properties::{self, PropertyError};
use crate::rest::custom_properties;

/// Body and properties together, on the Standard tier.
pub(super) const LARGEST_MESSAGE: usize = 256 * 1024;

const BATCH: &str = "application/vnd.microsoft.servicebus.json";

/// Why a send request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Property(#[from] PropertyError),
    #[error(
        "{BATCH}: expected [{{\"Body\":\"…\",\"BrokerProperties\":{{…}},\"UserProperties\":{{…}}}}, …]: {0}"
    )]
    Batch(serde_json::Error),
    #[error("the message is larger than 256 KiB: body and properties are {0} bytes")]
    TooLarge(usize),
}

/// The messages of a request, and what the sender should know about it although it is accepted.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) messages: Vec<Message>,
    pub(super) hints: Vec<String>,
}

/// Reads the messages of a request.
pub(super) fn messages(headers: &HeaderMap, body: Bytes) -> Result<Sent, SendError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case(BATCH) {
        return batch(&body);
    }
    let broker = headers.get(broker_properties::HEADER);
    let (mut properties, unknown) =
        broker_properties::parse(broker.map(header::HeaderValue::as_bytes))?;
    let (application, odd) = custom_properties::from_headers(headers);
    let size = body.len()
        + broker.map_or(0, header::HeaderValue::len)
        + application
            .iter()
            .map(|(name, value)| name.len() + value.to_string().len())
            .sum::<usize>();
    refuse_large(size)?;
    if let Some(content_type) = content_type {
        properties.content_type = Some(content_type.to_owned());
    }
    properties.application = application;
    let mut hints: Vec<String> = unknown.iter().map(|key| ignored(key)).collect();
    hints.extend(odd.iter().map(|name| {
        format!("header {name:?} is no custom property: its value is not quoted; Azure may answer 400 to it")
    }));
    Ok(Sent {
        messages: vec![Message { body, properties }],
        hints,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchItem {
    body: String,
    #[serde(default)]
    broker_properties: Map<String, Value>,
    #[serde(default)]
    user_properties: Map<String, Value>,
}

fn batch(body: &[u8]) -> Result<Sent, SendError> {
    refuse_large(body.len())?;
    let items: Vec<BatchItem> = serde_json::from_slice(body).map_err(SendError::Batch)?;
    let mut sent = Sent {
        messages: Vec::with_capacity(items.len()),
        hints: Vec::new(),
    };
    for item in items {
        let (mut properties, unknown) = broker_properties::from_map(item.broker_properties)?;
        properties.application = item.user_properties;
        sent.hints.extend(unknown.iter().map(|key| ignored(key)));
        sent.messages.push(Message {
            body: item.body.into(),
            properties,
        });
    }
    Ok(sent)
}

fn refuse_large(size: usize) -> Result<(), SendError> {
    if size > LARGEST_MESSAGE {
        Err(SendError::TooLarge(size))
    } else {
        Ok(())
    }
}

fn ignored(key: &str) -> String {
    format!("BrokerProperties: Service Bus does not know the key {key:?} and ignores it")
}
