//! A queue with sessions: slots, order, overlap.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Message, Queue, QueueOptions};
use host::app::FunctionApp;
use host::{Delivered, DeliveryOutcome, Event, Host, HostOptions};
use serde_json::Value;
use stand_in::Clock;
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;
use tokio::sync::{Barrier, Semaphore, broadcast};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, next_delivered, ok};

const GENEROUS: Duration = Duration::from_secs(60);

/// What the handler saw.
#[derive(Default)]
struct SeenCalls {
    running: BTreeMap<String, usize>,
    most_at_once: usize,
    most_in_a_session: usize,
    // Session, body and delivery count, in the order of their arrival.
    calls: Vec<(String, String, String)>,
    session_ends: Vec<Value>,
}

struct Handler {
    seen: Mutex<SeenCalls>,
    // Opens when as many are in as there are slots.
    first: Barrier,
    slots: usize,
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").trim_matches('"').to_owned()
}

async fn invoke(State(handler): State<Arc<Handler>>, body: Bytes) -> Response {
    let invocation: Value = serde_json::from_slice(&body).expect("JSON");
    let metadata = &invocation["Metadata"];
    let session = text(&metadata["SessionId"]);
    let order = STANDARD
        .decode(text(&invocation["Data"]["order"]))
        .expect("base64");
    let order = String::from_utf8(order).expect("text");
    let count = text(&metadata["DeliveryCount"]);
    let number = {
        let mut seen = handler.seen.lock().expect("unpoisoned");
        seen.calls
            .push((session.clone(), order.clone(), count.clone()));
        seen.session_ends.push(metadata["MessageSession"].clone());
        let running = seen.running.entry(session.clone()).or_default();
        *running += 1;
        let here = *running;
        seen.most_in_a_session = seen.most_in_a_session.max(here);
        seen.most_at_once = seen.most_at_once.max(seen.running.values().sum());
        seen.calls.len()
    };
    if number <= handler.slots {
        let all_in = timeout(GENEROUS, handler.first.wait()).await;
        all_in.expect("as many at once as there are slots");
    }
    // Long enough for another of the session to come, if one could.
    sleep(Duration::from_millis(3)).await;
    let mut seen = handler.seen.lock().expect("unpoisoned");
    *seen.running.get_mut(&session).expect("it runs") -= 1;
    if order.ends_with('5') && count == "1" {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], "{}").into_response()
}

struct SessionsBench {
    queue: Queue,
    handler: Arc<Handler>,
    events: broadcast::Receiver<Event>,
    _host: Host,
    _tasks: JoinSet<()>,
}

impl SessionsBench {
    async fn new(slots: usize, idle: &str) -> Self {
        let handler = Arc::new(Handler {
            seen: Mutex::default(),
            first: Barrier::new(slots),
            slots,
        });
        let listener = testkit::net::listener().await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/OrderItemsReserver", post(invoke));
        let router = router.with_state(Arc::clone(&handler));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        let options = QueueOptions {
            sessions: true,
            ..QueueOptions::default()
        };
        let queue = Queue::new("order-items", options, Clock::new());
        let prefix = "AzureFunctionsJobHost__extensions__serviceBus__";
        let overrides = settings(&[
            (
                &format!("{prefix}maxConcurrentSessions"),
                &slots.to_string(),
            ),
            (&format!("{prefix}sessionIdleTimeout"), idle),
        ]);
        let app = FunctionApp::load(&workspace(), overrides).expect("our files");
        let options = HostOptions {
            app,
            handler_url: Some(url),
            traces: false,
        };
        let (host, events) = Host::start(options, queue.clone()).expect("a host");
        Self {
            queue,
            handler,
            events,
            _host: host,
            _tasks: tasks,
        }
    }

    fn send(&self, session: &str, body: String) {
        let message = Message::new(body).with_session(session);
        self.queue.enqueue(message).expect("accepted");
    }

    async fn delivered(&mut self) -> Delivered {
        next_delivered(&mut self.events).await
    }
}

#[tokio::test]
async fn n_sessions_at_once_one_message_in_each_in_order_and_failures_keep_their_place() {
    let mut bench = SessionsBench::new(3, "00:00:00.005").await;
    for number in 0..8 {
        for session in ["A", "B", "C", "D", "E"] {
            bench.send(session, format!("{session}{number}"));
        }
    }
    let mut completed = 0;
    while completed < 40 {
        let outcome = bench.delivered().await.outcome;
        completed += usize::from(matches!(outcome, DeliveryOutcome::Completed { .. }));
    }
    let seen = bench.handler.seen.lock().expect("unpoisoned");
    assert_eq!((seen.most_at_once, seen.most_in_a_session), (3, 1));
    for session in ["A", "B", "C", "D", "E"] {
        let calls = seen.calls.iter().filter(|(of, ..)| of == session);
        let order: Vec<_> = calls
            .map(|(_, body, count)| format!("{body}/{count}"))
            .collect();
        let expected = [
            "0/1", "1/1", "2/1", "3/1", "4/1", "5/1", "5/2", "6/1", "7/1",
        ];
        assert_eq!(order, expected.map(|call| format!("{session}{call}")));
    }
    let end = text(&seen.session_ends[0]["SessionLockedUntil"]);
    assert!(end.ends_with("+00:00"), "{end}");
}

#[tokio::test]
async fn an_empty_session_keeps_its_slot_until_it_was_idle_for_long_enough() {
    // Idle for a minute, which this test does not wait for.
    let mut bench = SessionsBench::new(1, "00:01:00").await;
    bench.send("A", "A0".to_owned());
    bench.send("B", "B0".to_owned());
    assert_eq!(bench.delivered().await.session.as_deref(), Some("A"));
    bench.send("A", "A1".to_owned());
    assert_eq!(bench.delivered().await.session.as_deref(), Some("A"));
    assert_eq!(
        bench.queue.counts().active,
        1,
        "B waits, although nothing runs"
    );

    let mut bench = SessionsBench::new(1, "00:00:00.001").await;
    bench.send("A", "A0".to_owned());
    bench.send("B", "B0".to_owned());
    assert_eq!(bench.delivered().await.session.as_deref(), Some("A"));
    assert_eq!(bench.delivered().await.session.as_deref(), Some("B"));
}

#[tokio::test]
async fn when_a_sessions_lock_is_lost_the_message_comes_again_beside_its_first_invocation() {
    let app = AppFolder::copy_of(&workspace());
    app.replace(
        "OrderItemsReserver/function.json",
        "\"isSessionsEnabled\": false",
        "\"isSessionsEnabled\": true",
    );
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let answer = move |_| {
        let open = Arc::clone(&open);
        async move {
            open.acquire().await.expect("open").forget();
            ok()
        }
    };
    let mut bench = Bench::of(&app, &[], answer).await;
    let message = Message::new("{}").with_session("A");
    bench.queue.enqueue(message).expect("accepted");
    let until = async |requests: usize| {
        while bench.log.lock().expect("unpoisoned").len() < requests {
            tokio::task::yield_now().await;
        }
    };
    until(1).await;
    assert_eq!(bench.queue.lose_locks(|_| true), 1);
    until(2).await;
    gate.add_permits(2);
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        outcomes.push(bench.delivered().await.outcome);
    }
    let lost = |outcome: &&DeliveryOutcome| **outcome == DeliveryOutcome::LockLost;
    assert_eq!(outcomes.iter().filter(lost).count(), 1, "{outcomes:?}");
    let completed = |it: &DeliveryOutcome| matches!(it, DeliveryOutcome::Completed { .. });
    assert!(outcomes.iter().any(completed), "{outcomes:?}");
}
