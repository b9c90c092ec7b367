//! A received message as the REST interface writes it: the body, and everything else in headers.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::queue::{Accepted, DeadDelivery, DeadLetterReason, Delivery};
use crate::rest::broker_properties;
use stand_in::http_date;

/// One hand-out, of the queue or of its dead letters.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) token: Uuid,
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
    pub(super) fn locked(self, base: &str) -> Response {
        let location = format!("{base}/messages/{}/{}", self.accepted.sequence, self.token);
        let mut response = self.message(true);
        *response.status_mut() = StatusCode::CREATED;
        set(&mut response, header::LOCATION, &location);
        response
    }

    /// 200: the message, which is off the queue.
    pub(super) fn taken(self) -> Response {
        self.message(false)
    }

    fn message(self, locked: bool) -> Response {
        let broker = ascii(&self.broker_properties(locked).to_string());
        let mut custom = self.accepted.message.properties.application;
        if let Some(reason) = self.reason {
            custom.insert("DeadLetterReason".to_owned(), reason.to_string().into());
            let told = description(reason);
            custom.insert("DeadLetterErrorDescription".to_owned(), told.into());
        }
        let content_type = self.accepted.message.properties.content_type;
        let mut response = self.accepted.message.body.into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(content_type) = content_type {
            set(&mut response, header::CONTENT_TYPE, &content_type);
        }
        set(&mut response, broker_properties::HEADER, &broker);
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

fn description(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::MaxDeliveryCountExceeded => {
            "Message could not be consumed after the maximum number of delivery attempts."
        }
        DeadLetterReason::TtlExpired => "The message expired and was dead lettered.",
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
