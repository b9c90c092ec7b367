//! The one request of the management interface that is served here: a queue's description with its counts.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::shared::{Refusal, Shared};
use crate::queue::{Counts, Queue};
use stand_in::xml;

const ENTRY: &str = "application/atom+xml;type=entry;charset=utf-8";

/// `GET /{queue}`: Atom XML, as "Get queue" of the management REST API describes it.
pub(super) async fn queue(
    State(door): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let queue = door.queue(&name)?;
    door.authorize(&headers, queue)?;
    let entry = description(queue, queue.counts());
    Ok(([(header::CONTENT_TYPE, ENTRY)], entry).into_response())
}

fn description(queue: &Queue, counts: Counts) -> String {
    // A locked message counts as active there too.
    let active = counts.active + counts.locked;
    let count = |name: &str, value: usize| xml::element(name, &value.to_string());
    let details = [
        count("d2p1:ActiveMessageCount", active),
        count("d2p1:DeadLetterMessageCount", counts.dead_lettered),
        count("d2p1:ScheduledMessageCount", 0),
        count("d2p1:TransferMessageCount", 0),
        count("d2p1:TransferDeadLetterMessageCount", 0),
    ];
    xml::document(&format!(
        "<entry xmlns=\"http://www.w3.org/2005/Atom\">{title}<content type=\"application/xml\">\
         <QueueDescription xmlns=\"http://schemas.microsoft.com/netservices/2010/10/servicebus/connect\">\
         {total}<CountDetails xmlns:d2p1=\"http://schemas.microsoft.com/netservices/2011/06/servicebus\">\
         {details}</CountDetails></QueueDescription></content></entry>",
        title = xml::element("title", queue.name()),
        total = count("MessageCount", active + counts.dead_lettered),
        details = details.concat(),
    ))
}
