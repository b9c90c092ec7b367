//! Sending to the queue over its REST interface, as any publisher would: one try at a time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;
use sha2::Sha256;
use stand_in::AccessKey;
use time::OffsetDateTime;
use uuid::Uuid;

use super::cause;
use crate::LoadError;
use crate::message::Message;
use crate::places::{Endpoints, Places};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

const TOKEN_SECONDS: i64 = 20 * 60;

/// All but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 201: the message is in the queue.
    Accepted,
    /// It surely is not, and may be sent again.
    NotNow(Option<Duration>),
    /// Nobody knows: no answer, or an error that says nothing about what was done.
    Unclear,
    /// It is not, and never will be.
    Refused(u16),
}

/// What waits in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) active: u64,
    pub(crate) dead: u64,
}

/// The queue's door, from outside.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    pub(crate) places: Places,
    pub(crate) client: reqwest::Client,
}

impl Bus {
    /// Tries once.
    pub(crate) async fn send(&self, message_id: &str, message: &Message) -> Answer {
        let endpoints = self.places.now();
        let properties = json!({
            "SessionId": message.session,
            "MessageId": message_id,
            "CorrelationId": traceparent(),
            "Label": "CartUpdated",
        });
        let request = self
            .client
            .post(format!("{}/messages", endpoints.queue))
            .header(CONTENT_TYPE, "application/json")
            .header("BrokerProperties", properties.to_string())
            .body(message.body.clone());
        let answer = authorized(request, &endpoints)
            .timeout(PATIENCE)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.places.look_again();
                return match error.is_connect() {
                    true => Answer::NotNow(None),
                    false => Answer::Unclear,
                };
            }
        };
        let wait = answer.headers().get(RETRY_AFTER);
        let seconds = wait.and_then(|value| value.to_str().ok()?.parse().ok());
        match answer.status().as_u16() {
            201 => Answer::Accepted,
            429 => Answer::NotNow(seconds.map(|s| Duration::from_secs(s).min(RETRY_AFTER_MAX))),
            408 | 500.. => Answer::Unclear,
            other => Answer::Refused(other),
        }
    }

    /// The counts of the queue's description ("Get queue" of the management interface).
    pub(crate) async fn counts(&self) -> Result<Counts, LoadError> {
        let endpoints = self.places.now();
        let problem = |problem: String| LoadError::Part {
            part: format!("the queue at {}", endpoints.queue),
            problem,
        };
        let request = self.client.get(&endpoints.queue).timeout(PATIENCE);
        let answer = match authorized(request, &endpoints).send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.places.look_again();
                return Err(problem(cause(&error)));
            }
        };
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        if !status.is_success() {
            return Err(problem(format!(
                "expected its description, got {status}: {}",
                text.trim()
            )));
        }
        let count = |name: &str| number(&text, name);
        match (count("ActiveMessageCount"), count("DeadLetterMessageCount")) {
            (Some(active), Some(dead)) => Ok(Counts { active, dead }),
            _ => Err(problem("its description has no message counts".to_owned())),
        }
    }
}

/// The number in the first element that is called so, whatever its prefix.
fn number(xml: &str, name: &str) -> Option<u64> {
    let (_, rest) = xml.split_once(&format!("{name}>"))?;
    rest.split('<').next()?.parse().ok()
}

/// A W3C trace context of its own.
fn traceparent() -> String {
    let span = Uuid::new_v4().as_u64_pair().0;
    format!("00-{}-{span:016x}-01", Uuid::new_v4().simple())
}

/// With a shared access signature, when there is a key.
fn authorized(request: RequestBuilder, endpoints: &Endpoints) -> RequestBuilder {
    match &endpoints.key {
        Some(key) => {
            let expiry = OffsetDateTime::now_utc().unix_timestamp() + TOKEN_SECONDS;
            request.header(AUTHORIZATION, signature(&endpoints.queue, key, expiry))
        }
        None => request,
    }
}

/// For `resource`, until `expiry`.
fn signature(resource: &str, key: &AccessKey, expiry: i64) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let resource = encode(resource);
    // HMAC takes keys of every length: the empty default is never used.
    let signature = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{resource}\n{expiry}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    let signature = encode(&signature.unwrap_or_default());
    let name = encode(&key.name);
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_whatever_the_prefix_of_its_element() {
        let xml = "<a><d2p1:ActiveMessageCount>12</d2p1:ActiveMessageCount></a>";
        assert_eq!(number(xml, "ActiveMessageCount"), Some(12));
        assert_eq!(number(xml, "DeadLetterMessageCount"), None);
    }

    /// The output of Microsoft's Python SDK 7.15.0 for the same input.
    #[test]
    fn a_signature_is_the_one_that_microsofts_sdk_makes() {
        let key = AccessKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "c2VjcmV0+/key==".to_owned(),
        };
        let made = signature(
            "https://example.servicebus.windows.net/order-items",
            &key,
            1_767_225_600,
        );
        assert_eq!(
            made,
            "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
             &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600\
             &skn=RootManageSharedAccessKey"
        );
    }
}
