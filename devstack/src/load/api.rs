//! The dashboard's API and the stack's other answers over HTTP: the one place that knows their shapes.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LoadError;
use super::evidence::{Mailed, Mark, Waiting, Write, sha256};
use super::shop::Cart;
use super::target::Places;

const PATIENCE: Duration = Duration::from_secs(30);

/// The dashboard, from outside.
#[derive(Debug, Clone)]
pub struct Dashboard {
    pub(super) places: Places,
    pub(super) client: reqwest::Client,
}

impl Dashboard {
    /// Sets the standing faults; what is not named stays.
    pub(super) async fn set_faults(
        &self,
        storage: Option<&str>,
        logic_app: Option<&str>,
    ) -> Result<(), LoadError> {
        let mut body = serde_json::Map::new();
        for (key, fault) in [("storage", storage), ("logicApp", logic_app)] {
            if let Some(fault) = fault {
                body.insert(key.to_owned(), fault.into());
            }
        }
        self.call(Method::PUT, "/api/faults", Some(Value::from(body)))
            .await
            .map(drop)
    }

    /// Whether the API is there.
    pub(super) async fn faults(&self) -> Result<(), LoadError> {
        self.call(Method::GET, "/api/faults", None).await.map(drop)
    }

    /// Kills the handler now, or in the middle of the next upload.
    pub(super) async fn kill_handler(&self, during_upload: bool) -> Result<(), LoadError> {
        let path = match during_upload {
            true => "/api/handler/kill-during-upload",
            false => "/api/handler/kill",
        };
        self.call(Method::POST, path, None).await.map(drop)
    }

    /// Takes back a kill that still waits for an upload.
    pub(super) async fn disarm(&self) -> Result<(), LoadError> {
        let path = "/api/handler/kill-during-upload";
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    /// The accepted writes of blobs after the first `skip` of this life of the stack, oldest first.
    pub(super) async fn history(&self, skip: usize) -> Result<Vec<HistoryEntry>, LoadError> {
        self.list(&format!("/api/blobs/history?after={skip}")).await
    }

    /// What the Logic App accepted, after the first `skip`.
    pub(super) async fn handed_over(&self, skip: usize) -> Result<Vec<Mailed>, LoadError> {
        let path = format!("/api/handed-over?after={skip}");
        let bodies: Vec<Value> = self.list(&path).await?;
        Ok(bodies.iter().map(mailed).collect())
    }

    /// What waits or is being delivered.
    pub(super) async fn messages(&self) -> Result<Vec<Waiting>, LoadError> {
        let messages: Vec<Message> = self.list("/api/messages").await?;
        Ok(messages.into_iter().map(Waiting::from).collect())
    }

    /// What was dead-lettered.
    pub(super) async fn dead_letters(&self) -> Result<Vec<Waiting>, LoadError> {
        let messages: Vec<Message> = self.list("/api/dead-letters").await?;
        Ok(messages.into_iter().map(Waiting::from).collect())
    }

    async fn list<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<Vec<T>, LoadError> {
        let text = self.call(Method::GET, path, None).await?;
        serde_json::from_str(&text).map_err(|error| self.problem(path, error.to_string()))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<String, LoadError> {
        let url = format!("{}{path}", self.places.now().dashboard);
        let mut request = self.client.request(method, url).timeout(PATIENCE);
        if let Some(body) = body {
            request = request
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| {
            self.places.look_again();
            self.problem(path, cause(&error))
        })?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| self.problem(path, cause(&error)))?;
        match status {
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(text),
            _ => Err(self.problem(path, format!("{status}: {}", text.trim()))),
        }
    }

    fn problem(&self, path: &str, problem: String) -> LoadError {
        LoadError::Part {
            part: format!("the dashboard at {}{path}", self.places.now().dashboard),
            problem,
        }
    }
}

/// The innermost cause: the outer ones only repeat the address.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// One entry of the history.
#[derive(Debug, Deserialize)]
pub(super) struct HistoryEntry {
    pub(super) container: String,
    name: String,
    pub(super) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    sha256: String,
    #[serde(default)]
    metadata: std::collections::BTreeMap<String, String>,
}

impl From<HistoryEntry> for Write {
    fn from(entry: HistoryEntry) -> Self {
        let mark = mark(|name| entry.metadata.get(name).cloned());
        Self {
            name: entry.name,
            etag: entry.etag,
            at: entry.at,
            sha256: entry.sha256.to_ascii_lowercase(),
            mark,
        }
    }
}

/// What a blob's metadata says.
pub(super) fn mark(value: impl Fn(&str) -> Option<String>) -> Mark {
    Mark {
        sequence: value("sequence").and_then(|text| text.parse().ok()),
        enqueued: value("enqueued").and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()),
        message_id: value("messageid"),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    sequence: u64,
    message_id: Option<String>,
    session_id: Option<String>,
}

impl From<Message> for Waiting {
    fn from(message: Message) -> Self {
        Self {
            sequence: message.sequence,
            message_id: message.message_id,
            session: message.session_id,
        }
    }
}

/// A fallback request, as an object or as the text of one.
pub(super) fn mailed(body: &Value) -> Mailed {
    let parsed = body
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let body: &Value = parsed.as_ref().unwrap_or(body);
    let failure = body.get("failure");
    let text = |key: &str| Some(failure?.get(key)?.as_str()?.to_owned());
    let order = body.get("order").map(Value::to_string);
    Mailed {
        message_id: text("messageId"),
        session: text("sessionId"),
        sequence: failure.and_then(|failure| failure.get("sequenceNumber")?.as_u64()),
        cart: order
            .as_ref()
            .and_then(|order| Cart::of_order(order.as_bytes())),
        order_sha256: order.map(|order| sha256(order.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_request_is_read_as_an_object_and_as_text() {
        let body = serde_json::json!({
            "order": {"id": "S", "revision": 1},
            "failure": {"messageId": "m", "sessionId": "S", "sequenceNumber": 7},
        });
        let read = mailed(&body);
        assert_eq!(
            read.order_sha256,
            Some(sha256(br#"{"id":"S","revision":1}"#))
        );
        assert_eq!(
            (read.message_id.as_deref(), read.sequence),
            (Some("m"), Some(7))
        );
        assert_eq!(mailed(&Value::from(body.to_string())), read);
    }

    #[test]
    fn an_entry_of_the_history_is_read() {
        let entry = r#"{"container":"orders","name":"S.json","etag":"\"0x1\"","at":"2026-05-04T09:30:10.123Z","length":2,
            "sha256":"AB","metadata":{"sequence":"12","enqueued":"2026-05-04T09:30:10Z","messageid":"m"}}"#;
        let write = Write::from(serde_json::from_str::<HistoryEntry>(entry).expect("an entry"));
        assert_eq!(write.mark.sequence, Some(12));
        assert!(write.mark.enqueued.is_some());
        assert_eq!(
            (write.sha256.as_str(), write.mark.message_id.as_deref()),
            ("ab", Some("m"))
        );
    }
}
