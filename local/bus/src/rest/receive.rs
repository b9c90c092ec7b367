//! The receiving side of the REST interface, of the queue and of its dead letters: peek-lock,
//! complete, unlock, renew.
//!
//! Spec: "Peek-Lock Message", "Receive and Delete Message", "Delete Message", "Unlock Message",
//! "Renew-Lock for a Message". The message in the path of a settlement is not compared: the lock
//! token alone decides.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stand_in::http_date;
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use super::properties::BROKER_PROPERTIES;
use super::shared::{RestRefusal, RestShared};
use crate::queue::{
    Accepted, DeadDelivery, DeadLetterReason, Delivery, Holder, LockLost, Queue, Taker,
};

/// The longest that a receiver may wait, and the default, as in Azure.
const WAIT_MAX_SECS: u64 = 60;

/// The REST interface cannot name a session to receive from.
const NEEDS_SESSIONS: &str = "It is not possible for an entity that requires sessions \
     to create a non-sessionful message receiver.";

const DEAD_LETTERS: &str = "$deadletterqueue";

/// `…/messages/head` and `…/messages/{message}/{lock token}`, each with and without the dead-letter
/// queue's name.
pub(super) fn routes() -> Router<Arc<RestShared>> {
    let settle = || put(settle).delete(settle).post(settle);
    Router::new()
        .route("/{queue}/messages/head", post(receive).delete(receive))
        .route(
            "/{queue}/{part}/messages/head",
            post(receive).delete(receive),
        )
        .route("/{queue}/messages/{message}/{token}", settle())
        .route("/{queue}/{part}/messages/{message}/{token}", settle())
}

#[derive(Debug, Deserialize)]
struct ReceivePath {
    queue: String,
    part: Option<String>,
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wait {
    timeout: Option<u64>,
}

impl ReceivePath {
    /// The queue, and whether its dead letters are meant.
    fn open<'a>(
        &self,
        door: &'a RestShared,
        headers: &HeaderMap,
    ) -> Result<(&'a Queue, bool), RestRefusal> {
        let queue = door.queue(&self.queue)?;
        door.authorize(headers, queue)?;
        match &self.part {
            None => Ok((queue, false)),
            Some(part) if part.eq_ignore_ascii_case(DEAD_LETTERS) => Ok((queue, true)),
            Some(part) => Err((
                StatusCode::NOT_FOUND,
                format!(
                    "no {part:?} in queue {:?}; there is: {DEAD_LETTERS}",
                    queue.name()
                ),
            )),
        }
    }
}

/// POST locks a message; DELETE takes it off the queue at once.
async fn receive(
    State(door): State<Arc<RestShared>>,
    Path(target): Path<ReceivePath>,
    Query(wait): Query<Wait>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, RestRefusal> {
    let (queue, dead) = target.open(&door, &headers)?;
    if queue.requires_sessions() && !dead {
        return Err((StatusCode::BAD_REQUEST, NEEDS_SESSIONS.to_owned()));
    }
    let wait = wait.timeout.unwrap_or(WAIT_MAX_SECS).min(WAIT_MAX_SECS);
    let taker = Taker {
        by: Holder::Rest,
        deletes: method == Method::DELETE,
    };
    let next = next(queue, dead, taker);
    let Ok(received) = timeout(Duration::from_secs(wait), next).await else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if taker.deletes {
        return Ok(received.taken());
    }
    let place = if dead { "/$deadletterqueue" } else { "" };
    let base = format!("{}/{}{place}", door.url, queue.name());
    Ok(received.locked(&base))
}

async fn next(queue: &Queue, dead: bool, taker: Taker) -> Received {
    if dead {
        queue.receive_dead_letter_by(taker).await.into()
    } else {
        queue.receive_by(taker).await.into()
    }
}

/// DELETE completes, PUT unlocks, POST renews.
async fn settle(
    State(door): State<Arc<RestShared>>,
    Path(target): Path<ReceivePath>,
    method: Method,
    headers: HeaderMap,
) -> Result<StatusCode, RestRefusal> {
    let (queue, dead) = target.open(&door, &headers)?;
    let token = target.token.as_deref().unwrap_or_default();
    let token = Uuid::parse_str(token).map_err(|_| gone(&LockLost))?;
    let settled = match (method, dead) {
        (Method::DELETE, _) => complete(queue, dead, token),
        (Method::PUT, true) => queue.unlock_dead_letter(token),
        (Method::PUT, false) => queue.abandon(token).map(|_| ()),
        (_, true) => queue.renew_dead_letter(token).map(|_| ()),
        (_, false) => queue.renew(token).map(|_| ()),
    };
    settled.map_err(|lost| gone(&lost))?;
    Ok(StatusCode::OK)
}

fn complete(queue: &Queue, dead: bool, token: Uuid) -> Result<(), LockLost> {
    if dead {
        queue.complete_dead_letter(token)
    } else {
        queue.complete(token)
    }
}

fn gone(lost: &LockLost) -> RestRefusal {
    (StatusCode::NOT_FOUND, lost.to_string())
}

/// One hand-out, of the queue or of its dead letters, as the REST interface writes it: the body,
/// and everything else in headers.
#[derive(Debug)]
struct Received {
    token: Uuid,
    accepted: Accepted,
    delivery_count: u32,
    locked_until: OffsetDateTime,
    reason: Option<DeadLetterReason>,
}

impl From<Delivery> for Received {
    fn from(delivery: Delivery) -> Self {
        Self {
            token: delivery.lock_token,
            accepted: delivery.accepted,
            delivery_count: delivery.delivery_count,
            locked_until: delivery.locked_until,
            reason: None,
        }
    }
}

impl From<DeadDelivery> for Received {
    fn from(delivery: DeadDelivery) -> Self {
        Self {
            token: delivery.lock_token,
            accepted: delivery.letter.accepted,
            delivery_count: delivery.letter.delivery_count,
            locked_until: delivery.locked_until,
            reason: Some(delivery.letter.reason),
        }
    }
}

impl Received {
    /// 201: the message under its lock, whose place below `base` is `Location`.
    fn locked(self, base: &str) -> Response {
        let location = format!("{base}/messages/{}/{}", self.accepted.sequence, self.token);
        let mut response = self.message(true);
        *response.status_mut() = StatusCode::CREATED;
        set(&mut response, header::LOCATION, &location);
        response
    }

    /// 200: the message, which is off the queue.
    fn taken(self) -> Response {
        self.message(false)
    }

    fn message(self, locked: bool) -> Response {
        let broker = ascii(&self.broker_properties(locked).to_string());
        let mut custom = self.accepted.message.properties.application;
        if let Some(reason) = &self.reason {
            let told = [
                ("DeadLetterReason", reason.reason()),
                ("DeadLetterErrorDescription", reason.description()),
            ];
            for (name, text) in told {
                custom.extend(text.map(|text| (name.to_owned(), text.into())));
            }
        }
        let content_type = self.accepted.message.properties.content_type;
        let mut response = self.accepted.message.body.into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(content_type) = content_type {
            set(&mut response, header::CONTENT_TYPE, &content_type);
        }
        set(&mut response, BROKER_PROPERTIES, &broker);
        for (name, value) in custom {
            // Over AMQP any text may name a property; here what cannot be a header is left out.
            if let Ok(name) = HeaderName::try_from(name.as_str()) {
                set(&mut response, name, &ascii(&value.to_string()));
            }
        }
        response
    }

    fn broker_properties(&self, locked: bool) -> Value {
        let properties = serde_json::to_value(&self.accepted.message.properties);
        let Ok(Value::Object(set_by_publisher)) = properties else {
            return Value::Null;
        };
        let left = self.accepted.expires - self.accepted.enqueued;
        let mut all: Map<String, Value> = set_by_publisher
            .into_iter()
            .filter(|(name, _)| name != "Application" && name != "ContentType")
            .collect();
        if let Some(time) = self.accepted.message.properties.scheduled_enqueue {
            let time = http_date::format(time);
            all.insert("ScheduledEnqueueTimeUtc".to_owned(), json!(time));
        }
        let enqueued = http_date::format(self.accepted.enqueued);
        all.insert("DeliveryCount".to_owned(), json!(self.delivery_count));
        all.insert("EnqueuedSequenceNumber".to_owned(), json!(0));
        all.insert("EnqueuedTimeUtc".to_owned(), json!(enqueued));
        all.insert("SequenceNumber".to_owned(), json!(self.accepted.sequence));
        all.insert("State".to_owned(), json!("Active"));
        all.insert("TimeToLive".to_owned(), json!(left.as_seconds_f64()));
        if locked {
            let until = http_date::format(self.locked_until);
            all.insert("LockToken".to_owned(), json!(self.token.to_string()));
            all.insert("LockedUntilUtc".to_owned(), json!(until));
        }
        Value::Object(all)
    }
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // What the publisher could send as a header can be sent back as one.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// JSON with everything beyond ASCII escaped: a header takes nothing else.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_ascii_and_says_the_same() {
        let text = Value::from("Zoë 🛒 \u{7f}");
        let escaped = ascii(&text.to_string());
        assert!(escaped.is_ascii(), "{escaped}");
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), text);
    }
}
