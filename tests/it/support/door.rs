//! The handler's HTTP side, and what it writes.

use std::sync::{Arc, Mutex};

use azure_app::http_client;
use serde_json::Value;
use testkit::within;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The invocation id of every request.
pub(crate) const INVOCATION_ID: &str = "7b6f6a2e-8f0e-4f57-9d0a-8f5f3f1f0a11";

/// Lines of one stream of the child, as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The lines that end an invocation, as JSON. Fails on any line that is not JSON.
    pub(crate) fn outcomes(&self) -> Vec<Value> {
        let all = self.all();
        let lines = all.iter().map(|line| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {line}"),
        });
        lines
            .filter(|line: &Value| !line["outcome"].is_null())
            .collect()
    }

    pub(super) async fn collect(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap().push(line);
        }
    }
}

/// The handler's HTTP side; a clone outlives the process.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) port: u16,
    client: reqwest::Client,
}

impl Door {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            client: http_client::build("test").unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Option<u16> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        Some(self.client.get(url).send().await.ok()?.status().as_u16())
    }

    /// Posts an invocation; `None` when the handler dies over it.
    pub(crate) async fn post(&self, invocation: Vec<u8>) -> Option<Answer> {
        self.post_with(invocation, &[]).await
    }

    /// The same with more headers.
    pub(crate) async fn post_with(
        &self,
        invocation: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let url = format!("http://127.0.0.1:{}/OrderItemsReserver", self.port);
        let mut request = self.client.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .header("content-type", "application/json")
            .header("x-azure-functions-invocationid", INVOCATION_ID)
            .body(invocation);
        let answer = within("an answer of the handler", request.send())
            .await
            .ok()?;
        let status = answer.status().as_u16();
        let body = answer.text().await.ok()?;
        Some(Answer { status, body })
    }
}

/// An answer of the handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}
