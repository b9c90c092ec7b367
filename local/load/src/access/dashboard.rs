//! The dashboard's API.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use stand_in::NamedFault;
use time::OffsetDateTime;

use super::cause;
use crate::LoadError;
use crate::evidence::{Mailed, Mark, Waiting, Write};
use crate::places::Places;

const PATIENCE: Duration = Duration::from_secs(30);

/// The dashboard, from outside.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard {
    pub(crate) places: Places,
    pub(crate) client: reqwest::Client,
}

impl Dashboard {
    /// Sets the standing faults; what is not named stays.
    pub(crate) async fn set_faults(&self, faults: &[(&str, NamedFault)]) -> Result<(), LoadError> {
        let faults = faults.iter();
        let body: serde_json::Map<_, _> = faults
            .map(|(part, fault)| ((*part).to_owned(), fault.name().into()))
            .collect();
        self.call(Method::PUT, "/api/faults", Some(Value::from(body)))
            .await
            .map(drop)
    }

    /// What can be broken.
    pub(crate) async fn breakable(&self) -> Result<Breakable, LoadError> {
        let path = "/api/state";
        let text = self.call(Method::GET, path, None).await?;
        let state = serde_json::from_str::<State>(&text);
        let state = state.map_err(|error| self.problem(path, error.to_string()))?;
        Ok(state.has)
    }

    /// Kills the handler now, or in the middle of the next upload.
    pub(crate) async fn kill_handler(&self, during_upload: bool) -> Result<(), LoadError> {
        let path = match during_upload {
            true => "/api/handler/kill-during-upload",
            false => "/api/handler/kill",
        };
        self.call(Method::POST, path, None).await.map(drop)
    }

    /// Kills one of the storefront's processes, counted from 1.
    pub(crate) async fn kill_shop(&self, number: usize) -> Result<(), LoadError> {
        let path = format!("/api/shops/{number}/kill");
        self.call(Method::POST, &path, None).await.map(drop)
    }

    /// Takes back a kill that still waits for an upload.
    pub(crate) async fn disarm(&self) -> Result<(), LoadError> {
        let path = "/api/handler/kill-during-upload";
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    /// The accepted writes of blobs after the first `skip` of this life of the stack, oldest first.
    pub(crate) async fn history(&self, skip: usize) -> Result<Vec<HistoryEntry>, LoadError> {
        self.list(&format!("/api/blobs/history?after={skip}")).await
    }

    /// What the Logic App accepted, after the first `skip`.
    pub(crate) async fn handed_over(&self, skip: usize) -> Result<Vec<Mailed>, LoadError> {
        let path = format!("/api/handed-over?after={skip}");
        let bodies: Vec<Value> = self.list(&path).await?;
        Ok(bodies.iter().map(Mailed::read).collect())
    }

    /// What waits or is being delivered.
    pub(crate) async fn messages(&self) -> Result<Vec<Waiting>, LoadError> {
        let messages: Vec<WaitingMessage> = self.list("/api/messages").await?;
        Ok(messages.into_iter().map(Waiting::from).collect())
    }

    /// What was dead-lettered.
    pub(crate) async fn dead_letters(&self) -> Result<Vec<Waiting>, LoadError> {
        let messages: Vec<WaitingMessage> = self.list("/api/dead-letters").await?;
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

/// What the stack behind the dashboard has, and so what can be broken from here. A stack that does
/// not say has all of it, but for shops to kill.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Breakable {
    pub(crate) storage: bool,
    pub(crate) logic_app: bool,
    pub(crate) handler: bool,
    pub(crate) shop_storage: bool,
    /// How many processes of the storefront can be killed.
    pub(crate) shops: usize,
}

impl Default for Breakable {
    fn default() -> Self {
        Self {
            storage: true,
            logic_app: true,
            handler: true,
            shop_storage: true,
            shops: 0,
        }
    }
}

#[derive(Debug, Deserialize)]
struct State {
    #[serde(default)]
    has: Breakable,
}

/// One entry of the history of writes.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryEntry {
    pub(crate) container: String,
    name: String,
    pub(crate) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    sha256: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl From<HistoryEntry> for Write {
    fn from(entry: HistoryEntry) -> Self {
        let mark = Mark::read(|name| entry.metadata.get(name).cloned());
        Self {
            name: entry.name,
            etag: entry.etag,
            at: entry.at,
            sha256: entry.sha256.to_ascii_lowercase(),
            mark,
        }
    }
}

/// A message that waits, or a dead letter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaitingMessage {
    sequence: u64,
    message_id: Option<String>,
    session_id: Option<String>,
}

impl From<WaitingMessage> for Waiting {
    fn from(message: WaitingMessage) -> Self {
        Self {
            sequence: message.sequence,
            message_id: message.message_id,
            session: message.session_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
