//! Sending to the queue over its REST interface, as any publisher would: one try at a time.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;
use uuid::Uuid;

use super::cause;
use super::signature::authorized;
use crate::LoadError;
use crate::senders::message::Message;
use crate::target::Places;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

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
        let target = self.places.now();
        let properties = json!({
            "SessionId": message.session,
            "MessageId": message_id,
            "CorrelationId": traceparent(),
            "Label": "CartUpdated",
        });
        let request = self
            .client
            .post(format!("{}/messages", target.queue))
            .header(CONTENT_TYPE, "application/json")
            .header("BrokerProperties", properties.to_string())
            .body(message.body.clone());
        let answer = authorized(request, &target).timeout(PATIENCE).send().await;
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
        let target = self.places.now();
        let problem = |problem: String| LoadError::Part {
            part: format!("the queue at {}", target.queue),
            problem,
        };
        let request = self.client.get(&target.queue).timeout(PATIENCE);
        let answer = match authorized(request, &target).send().await {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_whatever_the_prefix_of_its_element() {
        let xml = "<a><d2p1:ActiveMessageCount>12</d2p1:ActiveMessageCount></a>";
        assert_eq!(number(xml, "ActiveMessageCount"), Some(12));
        assert_eq!(number(xml, "DeadLetterMessageCount"), None);
    }
}
