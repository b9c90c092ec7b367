//! A host whose handler is served by the test itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bus::{Queue, QueueOptions};
use host::app::FunctionApp;
use host::{Delivered, Event, Host, HostOptions};
use serde_json::Value;
use stand_in::Clock;
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A request as the handler saw it.
pub(crate) struct SeenRequest {
    pub(crate) head: Parts,
    pub(crate) bytes: Bytes,
}

impl SeenRequest {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.head.headers.get(name).expect(name);
        value.to_str().expect("text")
    }
}

/// The requests in the order of their arrival.
pub(crate) type Log = Arc<Mutex<Vec<SeenRequest>>>;

/// A handler that answers its nth request with `answer(n)`, from 1.
pub(crate) fn handler<F, A>(tasks: &mut JoinSet<()>, listener: TcpListener, answer: F) -> Log
where
    F: Fn(usize) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let log = Log::default();
    let seen = Arc::clone(&log);
    let invoke = async move |request: Request| {
        let (head, body) = request.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let count = {
            let mut seen = seen.lock().expect("unpoisoned");
            seen.push(SeenRequest { head, bytes });
            seen.len()
        };
        answer(count).await
    };
    let router = Router::new().fallback(invoke);
    tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
    log
}

/// The answer of a handler that did its work.
pub(crate) fn ok() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (
        json,
        r#"{"Outputs":{},"Logs":["all is well"],"ReturnValue":null}"#,
    )
        .into_response()
}

/// A host, its queue, and the handler behind it.
pub(crate) struct Bench {
    pub(crate) queue: Queue,
    pub(crate) host: Host,
    pub(crate) events: broadcast::Receiver<Event>,
    pub(crate) log: Log,
    pub(crate) tasks: JoinSet<()>,
}

/// The app with a function that takes batches.
pub(crate) fn many(data_type: &str, sessions: bool) -> AppFolder {
    let app = AppFolder::copy_of(&workspace());
    for (from, to) in [
        (
            "\"cardinality\": \"one\"",
            "\"cardinality\": \"many\"".to_owned(),
        ),
        (
            "\"dataType\": \"binary\"",
            format!("\"dataType\": \"{data_type}\""),
        ),
        (
            "\"isSessionsEnabled\": false",
            format!("\"isSessionsEnabled\": {sessions}"),
        ),
    ] {
        app.replace("OrderItemsReserver/function.json", from, &to);
    }
    app
}

impl Bench {
    pub(crate) async fn new<F, A>(overrides: &[(&str, &str)], answer: F) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        Self::of(&AppFolder::copy_of(&workspace()), overrides, answer).await
    }

    /// For an app of its own.
    pub(crate) async fn of<F, A>(app: &AppFolder, overrides: &[(&str, &str)], answer: F) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        Self::with(app, overrides, answer, async |_| {}).await
    }

    /// With a queue to which `fill` sends before the host starts.
    pub(crate) async fn with<F, A>(
        app: &AppFolder,
        overrides: &[(&str, &str)],
        answer: F,
        fill: impl AsyncFnOnce(&Queue),
    ) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let listener = testkit::net::listener().await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut tasks = JoinSet::new();
        let log = handler(&mut tasks, listener, answer);
        let app = FunctionApp::load(app.path(), settings(overrides)).expect("our files");
        let options = QueueOptions {
            sessions: app.sessions,
            ..QueueOptions::default()
        };
        let queue = Queue::new("order-items", options, Clock::new());
        fill(&queue).await;
        let (host, events) = start_app(app, url, &queue);
        Self {
            queue,
            host,
            events,
            log,
            tasks,
        }
    }

    pub(crate) async fn delivered(&mut self) -> Delivered {
        next_delivered(&mut self.events).await
    }
}

/// The next delivery that came to its end; the limit only ends a broken run.
pub(crate) async fn next_delivered(events: &mut broadcast::Receiver<Event>) -> Delivered {
    let next = async {
        loop {
            if let Event::Delivered(delivered) = events.recv().await.expect("an event") {
                return delivered;
            }
        }
    };
    let limit = Duration::from_secs(60);
    timeout(limit, next).await.expect("a delivery")
}

/// A host for a handler that runs at `url` already, and its events.
pub(crate) fn start(
    url: String,
    overrides: &[(&str, &str)],
    queue: &Queue,
) -> (Host, broadcast::Receiver<Event>) {
    let app = FunctionApp::load(&workspace(), settings(overrides)).expect("our files");
    start_app(app, url, queue)
}

fn start_app(app: FunctionApp, url: String, queue: &Queue) -> (Host, broadcast::Receiver<Event>) {
    let options = HostOptions {
        app,
        handler_url: Some(url),
        traces: false,
    };
    Host::start(options, queue.clone()).expect("a host")
}
