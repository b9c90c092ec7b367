//! Receive, invoke, settle: the host against a handler that the test serves itself.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use devstack::app::FunctionApp;
use devstack::clock::Clock;
use devstack::host::{Delivered, Event, Failure, Host, HostOptions, Outcome};
use devstack::queue::{DeadLetterReason, Message, Queue, QueueOptions};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, broadcast};
use tokio::task::JoinSet;

use crate::fixture::{settings, workspace};

struct Seen {
    function: String,
    headers: HeaderMap,
    body: Value,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// A handler that answers its nth request with `answer(n)`, from 1.
async fn handler<F, A>(tasks: &mut JoinSet<()>, listener: TcpListener, answer: F) -> Log
where
    F: Fn(usize) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    let log = Log::default();
    let seen = Arc::clone(&log);
    let invoke = async move |Path(function): Path<String>, headers: HeaderMap, body: Bytes| {
        let count = {
            let mut seen = seen.lock().expect("unpoisoned");
            seen.push(Seen {
                function,
                headers,
                body: serde_json::from_slice(&body).expect("JSON"),
            });
            seen.len()
        };
        answer(count).await
    };
    let router = Router::new().route("/{function}", post(invoke));
    tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
    log
}

fn ok() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (
        json,
        r#"{"Outputs":{},"Logs":["all is well"],"ReturnValue":null}"#,
    )
        .into_response()
}

struct Bench {
    queue: Queue,
    host: Host,
    events: broadcast::Receiver<Event>,
    log: Log,
    _tasks: JoinSet<()>,
}

impl Bench {
    async fn new<F, A>(overrides: &[(&str, &str)], answer: F) -> Self
    where
        F: Fn(usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let listener = crate::net::listener().await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut tasks = JoinSet::new();
        let log = handler(&mut tasks, listener, answer).await;
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let app = FunctionApp::load(&workspace(), settings(overrides)).expect("our files");
        let host = Host::start(
            HostOptions {
                app,
                handler_url: Some(url),
            },
            queue.clone(),
        )
        .expect("a host");
        let events = host.events();
        Self {
            queue,
            host,
            events,
            log,
            _tasks: tasks,
        }
    }

    async fn delivered(&mut self) -> Delivered {
        loop {
            if let Event::Delivered(delivered) = self.events.recv().await.expect("an event") {
                return delivered;
            }
        }
    }
}

#[tokio::test]
async fn a_success_completes_the_message_and_brings_its_logs() {
    let mut bench = Bench::new(&[], async |_| ok()).await;
    bench
        .queue
        .enqueue(Message::new("{\"a\":1}").with_session("S").with_id("m-1"))
        .unwrap();
    let delivered = bench.delivered().await;
    assert_eq!((delivered.sequence, delivered.delivery_count), (1, 1));
    assert_eq!(
        (
            delivered.session.as_deref(),
            delivered.message_id.as_deref()
        ),
        (Some("S"), Some("m-1"))
    );
    assert_eq!(
        delivered.outcome,
        Outcome::Completed {
            status: 200,
            logs: vec!["all is well".to_owned()]
        }
    );
    let counts = bench.queue.counts();
    assert_eq!(
        (counts.active, counts.locked, counts.dead_lettered),
        (0, 0, 0)
    );
    let seen = bench.log.lock().expect("unpoisoned");
    assert_eq!(seen[0].function, "OrderItemsReserver");
    assert_eq!(seen[0].body["Data"]["order"], STANDARD.encode("{\"a\":1}"));
    assert_eq!(seen[0].body["Metadata"]["SessionId"], "\"S\"");
    assert_eq!(
        seen[0].body["Metadata"]["Client"]["FullyQualifiedNamespace"],
        "localhost"
    );
}

#[tokio::test]
async fn every_attempt_has_its_own_id_and_framing_takes_turns() {
    let mut bench = Bench::new(&[], async |count| {
        if count < 4 {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        } else {
            ok()
        }
    })
    .await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    for count in 1..=3 {
        let delivered = bench.delivered().await;
        assert_eq!(delivered.delivery_count, count);
        assert_eq!(
            delivered.outcome,
            Outcome::Abandoned {
                why: Failure::Status(500),
                last: false
            }
        );
    }
    assert!(matches!(
        bench.delivered().await.outcome,
        Outcome::Completed { .. }
    ));
    let seen = bench.log.lock().expect("unpoisoned");
    let chunked: Vec<bool> = seen
        .iter()
        .map(|seen| seen.headers.contains_key("transfer-encoding"))
        .collect();
    assert_eq!(chunked, [false, true, false, true]);
    assert!(
        seen.iter()
            .all(|seen| seen.headers.contains_key("content-length")
                != seen.headers.contains_key("transfer-encoding"))
    );
    let mut ids: Vec<_> = seen
        .iter()
        .map(|seen| &seen.headers["x-azure-functions-invocationid"])
        .map(|id| id.to_str().expect("text"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(
        seen[0].headers["user-agent"]
            .to_str()
            .expect("text")
            .starts_with("Azure-Functions-Host/4.")
    );
    assert_eq!(
        seen[0].headers["content-type"],
        "application/json; charset=utf-8"
    );
    let counts: Vec<&Value> = seen
        .iter()
        .map(|seen| &seen.body["Metadata"]["DeliveryCount"])
        .collect();
    assert_eq!(counts, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn the_tenth_failure_dead_letters_the_message_and_the_others_go_on() {
    let one_at_a_time = (
        "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls",
        "1",
    );
    let mut bench = Bench::new(&[one_at_a_time], async |count| {
        if count <= 10 {
            (StatusCode::OK, "not json").into_response()
        } else {
            ok()
        }
    })
    .await;
    bench
        .queue
        .enqueue(Message::new("poison").with_session("P"))
        .unwrap();
    bench.queue.enqueue(Message::new("good")).unwrap();
    for count in 1..=10 {
        let delivered = bench.delivered().await;
        assert_eq!((delivered.sequence, delivered.delivery_count), (1, count));
        let Outcome::Abandoned { why, last } = delivered.outcome else {
            panic!("abandoned")
        };
        assert!(
            matches!(why, Failure::BadAnswer { status: 200, .. }),
            "{why}"
        );
        assert_eq!(last, count == 10);
    }
    let dead = bench.events.recv().await.expect("an event");
    let reason = DeadLetterReason::MaxDeliveryCountExceeded;
    assert_eq!(
        dead,
        Event::DeadLettered {
            sequence: 1,
            session: Some("P".to_owned()),
            delivery_count: 10,
            reason
        }
    );
    assert_eq!(bench.delivered().await.sequence, 2);
    assert_eq!(
        bench.queue.dead_letters()[0].accepted.message.body,
        "poison"
    );
}

#[tokio::test]
async fn an_empty_success_hangs_until_function_timeout_and_is_abandoned() {
    let short = ("AzureFunctionsJobHost__functionTimeout", "00:00:00.05");
    let mut bench = Bench::new(&[short], async |count| {
        if count == 1 {
            StatusCode::NO_CONTENT.into_response()
        } else {
            ok()
        }
    })
    .await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    let Event::Note { text, .. } = bench.events.recv().await.expect("an event") else {
        panic!("a note comes first")
    };
    assert!(text.contains("answered 204 with an empty body"), "{text}");
    assert_eq!(
        bench.delivered().await.outcome,
        Outcome::Abandoned {
            why: Failure::FunctionTimeout,
            last: false
        }
    );
    assert_eq!(bench.delivered().await.delivery_count, 2);
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_host_json_allows() {
    let gate = Arc::new(Semaphore::new(0));
    let two = (
        "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls",
        "2",
    );
    let open = Arc::clone(&gate);
    let mut bench = Bench::new(&[two], move |_| {
        let open = Arc::clone(&open);
        async move {
            open.acquire().await.expect("open").forget();
            ok()
        }
    })
    .await;
    for _ in 0..3 {
        bench.queue.enqueue(Message::new("x")).unwrap();
    }
    while bench.queue.counts().locked < 2 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    bench.delivered().await;
    assert!(bench.log.lock().expect("unpoisoned").len() <= 3);
    gate.add_permits(2);
    bench.delivered().await;
    bench.delivered().await;
    assert_eq!(bench.log.lock().expect("unpoisoned").len(), 3);
}

#[tokio::test]
async fn a_handler_that_does_not_listen_burns_no_delivery() {
    // Bound but not listening: connections are refused, and nobody else gets the port meanwhile.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let url = format!("http://{}", socket.local_addr().expect("an address"));
    let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
    let app = FunctionApp::load(&workspace(), settings(&[])).expect("our files");
    let host = Host::start(
        HostOptions {
            app,
            handler_url: Some(url),
        },
        queue.clone(),
    )
    .expect("a host");
    let mut events = host.events();
    queue.enqueue(Message::new("x")).unwrap();
    let Event::Note { text, .. } = events.recv().await.expect("an event") else {
        panic!("a note comes first")
    };
    assert!(text.contains("does not listen"), "{text}");
    let mut tasks = JoinSet::new();
    let _log = handler(
        &mut tasks,
        socket.listen(64).expect("listens"),
        async |_| ok(),
    )
    .await;
    let Event::Delivered(delivered) = events.recv().await.expect("an event") else {
        panic!("a delivery")
    };
    assert_eq!(delivered.delivery_count, 1);
}

#[tokio::test]
async fn stopping_gives_back_what_is_in_flight() {
    let bench = Bench::new(&[], async |_| std::future::pending().await).await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    while bench.log.lock().expect("unpoisoned").is_empty() {
        tokio::task::yield_now().await;
    }
    let Bench {
        queue,
        host,
        mut events,
        ..
    } = bench;
    host.stop().await;
    let Event::Delivered(delivered) = events.recv().await.expect("an event") else {
        panic!("a delivery")
    };
    assert_eq!(
        delivered.outcome,
        Outcome::Abandoned {
            why: Failure::HostStops,
            last: false
        }
    );
    assert_eq!((queue.counts().active, queue.counts().locked), (1, 0));
}
