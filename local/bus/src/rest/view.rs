//! What the door shows: to people counts, waiting messages and dead letters, as JSON; to programs a
//! queue's description with its counts, the one request of the management interface that is served
//! here.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use stand_in::xml;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::shared::{RestRefusal, RestShared};
use crate::queue::{Accepted, Counts, DeadLetter, MessageState, Peeked, Properties, Queue};

const ENTRY: &str = "application/atom+xml;type=entry;charset=utf-8";

/// `GET /`: every queue with its counts, and the stack's addresses.
pub(super) async fn overview(State(door): State<Arc<RestShared>>) -> Json<Value> {
    let options = &door.options;
    Json(page(&options.queues, &door.url, &options.links))
}

/// `GET /{queue}/messages`: those that are no dead letters.
pub(super) async fn messages(
    State(door): State<Arc<RestShared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<MessageView>>, RestRefusal> {
    let messages = door.queue(&name)?.peek().into_iter();
    Ok(Json(messages.map(Into::into).collect()))
}

/// `GET /{queue}/$deadletterqueue`.
pub(super) async fn dead_letters(
    State(door): State<Arc<RestShared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<MessageView>>, RestRefusal> {
    let letters = door.queue(&name)?.dead_letters().into_iter();
    Ok(Json(letters.map(Into::into).collect()))
}

/// `GET /{queue}`: Atom XML, as "Get queue" of the management REST API describes it.
pub(super) async fn description(
    State(door): State<Arc<RestShared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RestRefusal> {
    let queue = door.queue(&name)?;
    door.authorize(&headers, queue)?;
    let entry = entry(queue, queue.counts());
    Ok(([(header::CONTENT_TYPE, ENTRY)], entry).into_response())
}

fn page(queues: &[Queue], base: &str, links: &[(String, String)]) -> Value {
    let queues: Vec<Value> = queues
        .iter()
        .map(|queue| {
            let name = queue.name();
            json!({
                "name": name,
                "counts": queue.counts(),
                "send": format!("POST {base}/{name}/messages"),
                "messages": format!("{base}/{name}/messages"),
                "deadLetters": format!("{base}/{name}/$deadletterqueue"),
            })
        })
        .collect();
    let links: Value = links
        .iter()
        .map(|(name, url)| (name.clone(), Value::from(url.as_str())))
        .collect();
    json!({ "queues": queues, "stack": links })
}

/// A message as people see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageView {
    sequence_number: u64,
    enqueued_time: String,
    expires_at: String,
    delivery_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_lettered_at: Option<String>,
    /// Of a message that is no dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<MessageState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    properties: Properties,
    body: BodyView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum BodyView {
    Text(String),
    Base64(String),
}

impl MessageView {
    fn new(accepted: Accepted, delivery_count: u32) -> Self {
        let body = accepted.message.body;
        let body = match std::str::from_utf8(&body) {
            Ok(text) => BodyView::Text(text.to_owned()),
            Err(_) => BodyView::Base64(STANDARD.encode(body)),
        };
        Self {
            sequence_number: accepted.sequence,
            enqueued_time: timestamp(accepted.enqueued),
            expires_at: timestamp(accepted.expires),
            delivery_count,
            locked_until: None,
            dead_lettered_at: None,
            state: None,
            reason: None,
            description: None,
            properties: accepted.message.properties,
            body,
        }
    }
}

impl From<Peeked> for MessageView {
    fn from(peeked: Peeked) -> Self {
        let locked_until = peeked.locked_until.map(timestamp);
        Self {
            locked_until,
            state: Some(peeked.state),
            ..Self::new(peeked.accepted, peeked.delivery_count)
        }
    }
}

impl From<DeadLetter> for MessageView {
    fn from(letter: DeadLetter) -> Self {
        let dead_lettered_at = Some(timestamp(letter.at));
        Self {
            dead_lettered_at,
            reason: Some(letter.reason.to_string()),
            description: letter.reason.description().map(str::to_owned),
            ..Self::new(letter.accepted, letter.delivery_count)
        }
    }
}

fn timestamp(time: OffsetDateTime) -> String {
    // RFC 3339 writes every year from 0 to 9999, and the clock shows no other.
    time.format(&Rfc3339).unwrap_or_default()
}

fn entry(queue: &Queue, counts: Counts) -> String {
    // A locked or deferred message counts as active there too.
    let active = counts.active + counts.locked + counts.deferred;
    let count = |name: &str, value: usize| xml::element(name, &value.to_string());
    let details = [
        count("d2p1:ActiveMessageCount", active),
        count("d2p1:DeadLetterMessageCount", counts.dead_lettered),
        count("d2p1:ScheduledMessageCount", counts.scheduled),
        count("d2p1:TransferMessageCount", 0),
        count("d2p1:TransferDeadLetterMessageCount", 0),
    ];
    xml::document(&format!(
        "<entry xmlns=\"http://www.w3.org/2005/Atom\">{title}<content type=\"application/xml\">\
         <QueueDescription xmlns=\"http://schemas.microsoft.com/netservices/2010/10/servicebus/connect\">\
         {total}<CountDetails xmlns:d2p1=\"http://schemas.microsoft.com/netservices/2011/06/servicebus\">\
         {details}</CountDetails></QueueDescription></content></entry>",
        title = xml::element("title", queue.name()),
        total = count(
            "MessageCount",
            active + counts.dead_lettered + counts.scheduled
        ),
        details = details.concat(),
    ))
}
