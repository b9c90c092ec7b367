//! Receive, invoke, settle: the host against a handler that the test serves itself.

mod answers;
mod batches;
mod bodies;
mod request;
mod sessions;
mod stop;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{DeadLetterReason, Message, Queue, QueueOptions};
use host::app::FunctionApp;
use host::{DeliveryOutcome, Event, Host, HostOptions, InvocationFailure};
use stand_in::Clock;
use testkit::fixture::settings;
use testkit::workspace;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bench::{Bench, handler, ok, start};

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
        DeliveryOutcome::Completed {
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
    let body = seen[0].body();
    assert_eq!(body["Data"]["order"], STANDARD.encode("{\"a\":1}"));
    assert_eq!(body["Metadata"]["SessionId"], "\"S\"");
    assert_eq!(
        body["Metadata"]["Client"]["FullyQualifiedNamespace"],
        "localhost"
    );
}

#[tokio::test]
async fn who_starts_the_host_gets_every_event_and_who_asks_later_those_from_then_on() {
    let mut bench = Bench::new(&[], async |_| ok()).await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    assert_eq!(bench.delivered().await.sequence, 1);
    let mut first = bench.host.events();
    let mut second = bench.host.events();
    bench.queue.enqueue(Message::new("y")).unwrap();
    for later in [&mut first, &mut second] {
        let Event::Delivered(delivered) = later.recv().await.expect("an event") else {
            panic!("a delivery")
        };
        assert_eq!(delivered.sequence, 2);
    }
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
        let DeliveryOutcome::Abandoned { why, last } = delivered.outcome else {
            panic!("abandoned")
        };
        assert!(
            matches!(why, InvocationFailure::BadAnswer { status: 200, .. }),
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
        DeliveryOutcome::Abandoned {
            why: InvocationFailure::FunctionTimeout,
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
    let (_host, mut events) = start(url, &[], &queue);
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
    );
    let Event::Delivered(delivered) = events.recv().await.expect("an event") else {
        panic!("a delivery")
    };
    assert_eq!(delivered.delivery_count, 1);
}

#[tokio::test]
async fn a_handler_elsewhere_needs_an_address_that_can_be_called() {
    for url in ["localhost:7072", "https://localhost", "http://", "no url"] {
        let app = FunctionApp::load(&workspace(), settings(&[])).expect("our files");
        let options = HostOptions {
            app,
            handler_url: Some(url.to_owned()),
            traces: false,
        };
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let error = Host::start(options, queue).expect_err(url).to_string();
        let expected = format!("the handler's address: expected http://host:port, found {url:?}");
        assert_eq!(error, expected);
    }
}
