//! The dashboard's API and its fences, over HTTP. The page itself is tested in Chromium, by the
//! root package, which has the real handler.
#![cfg(unix)]

mod addresses;
mod events;
mod faults;
mod fences;
mod mails;
mod picture;
mod receivers;
mod restart;

use std::time::Duration;

use host::app::Settings;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use stack::{Ports, Stack};
use testkit::fixture::AppFolder;
use testkit::net::client;

use crate::stack::app_with_handler;
use crate::stack::mail::app_with_workflow;

/// A safety net, never an expectation.
const LIMIT: Duration = Duration::from_secs(60);

struct World {
    stack: Stack,
    client: reqwest::Client,
    _app: AppFolder,
}

impl World {
    /// The handler never listens: messages stay in the queue.
    async fn start() -> Self {
        Self::of(app_with_handler("exec sleep 3600")).await
    }

    /// The same with the app's own workflow, and so with an e-mail service.
    async fn with_workflow() -> Self {
        Self::of(app_with_workflow()).await
    }

    async fn of(app: AppFolder) -> Self {
        let stack = Stack::start(app.path(), Ports::Auto, Settings::new()).await;
        Self {
            stack: stack.unwrap(),
            client: client(),
            _app: app,
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.stack.dashboard.url());
        self.client.request(method, url)
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.request(method, path);
        let request = match body {
            Value::Null => request,
            body => request
                .header("content-type", "application/json")
                .body(body.to_string()),
        };
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    async fn set_faults(&self, wish: Value) -> (StatusCode, Value) {
        self.ask(Method::PUT, "/api/faults", wish).await
    }

    /// An upload without a signature: refused as such when nothing is broken.
    async fn upload(&self) -> Result<Response, reqwest::Error> {
        let url = format!("{}/orders/a.json", self.stack.blob.as_ref().unwrap().url());
        self.client.put(url).body("{}").send().await
    }
}
