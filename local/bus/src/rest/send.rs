//! The sending side: a request becomes messages, and the queue takes all of them or none.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::properties::{
    BROKER_PROPERTIES, PropertyError, broker_properties, broker_properties_of, custom_properties,
};
use super::shared::{RestRefusal, RestShared};
use crate::queue::{MESSAGE_MAX, Message, SendRefused};

/// The media type of a batch of text messages.
const BATCH: &str = "application/vnd.microsoft.servicebus.json";

/// `POST /{queue}/messages`: 201 when the queue has it.
pub(super) async fn send(
    State(door): State<Arc<RestShared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let apply = async { take(&door, &name, &headers, body).await.into_response() };
    let refuse = |status, error_code| (status, format!("{error_code}: on purpose")).into_response();
    door.options.faults.switch().around(apply, refuse).await
}

async fn take(
    door: &RestShared,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RestRefusal> {
    let queue = door.queue(name)?;
    door.authorize(headers, queue)?;
    // One byte more than allowed is read: enough to know that it is too large.
    let body = axum::body::to_bytes(body, MESSAGE_MAX + 1)
        .await
        .map_err(|_| too_large(headers))?;
    let sent = messages_of(headers, body).map_err(|error| (status(&error), error.to_string()))?;
    for hint in sent.hints {
        door.hint(hint);
    }
    queue.send(sent.messages).map_err(|error| refused(&error))?;
    Ok(StatusCode::CREATED.into_response())
}

fn status(error: &SendError) -> StatusCode {
    match error {
        SendError::Property(_) | SendError::Batch(_) => StatusCode::BAD_REQUEST,
        SendError::TooLarge(_) => StatusCode::FORBIDDEN,
    }
}

fn refused(refused: &SendRefused) -> RestRefusal {
    let status = match refused {
        SendRefused::NoSession => StatusCode::BAD_REQUEST,
        SendRefused::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, refused.to_string())
}

fn too_large(headers: &HeaderMap) -> RestRefusal {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let error = SendError::TooLarge(length.unwrap_or(MESSAGE_MAX + 1));
    (status(&error), error.to_string())
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Property(#[from] PropertyError),
    #[error(
        "{BATCH}: expected \
         [{{\"Body\":\"…\",\"BrokerProperties\":{{…}},\"UserProperties\":{{…}}}}, …]: {0}"
    )]
    Batch(serde_json::Error),
    #[error(
        "the message is larger than {limit} KiB: body and properties are {0} bytes",
        limit = MESSAGE_MAX / 1024
    )]
    TooLarge(usize),
}

/// The messages of a request, and what the sender should know about it although it is accepted.
#[derive(Debug)]
struct Sent {
    messages: Vec<Message>,
    hints: Vec<String>,
}

/// The messages of a request: one, or a batch of text messages.
fn messages_of(headers: &HeaderMap, body: Bytes) -> Result<Sent, SendError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case(BATCH) {
        return batch(&body);
    }
    let broker = headers.get(BROKER_PROPERTIES);
    let (mut properties, unknown) = broker_properties(broker.map(header::HeaderValue::as_bytes))?;
    let (application, odd) = custom_properties(headers);
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
        format!(
            "header {name:?} is no custom property: its value is not quoted; \
             Azure may answer 400 to it"
        )
    }));
    Ok(Sent {
        messages: vec![Message {
            body,
            properties,
            ..Message::default()
        }],
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
        let (mut properties, unknown) = broker_properties_of(item.broker_properties)?;
        properties.application = item.user_properties;
        sent.hints.extend(unknown.iter().map(|key| ignored(key)));
        sent.messages.push(Message {
            body: item.body.into(),
            properties,
            ..Message::default()
        });
    }
    Ok(sent)
}

fn refuse_large(size: usize) -> Result<(), SendError> {
    if size > MESSAGE_MAX {
        Err(SendError::TooLarge(size))
    } else {
        Ok(())
    }
}

fn ignored(key: &str) -> String {
    format!("BrokerProperties: Service Bus does not know the key {key:?} and ignores it")
}
