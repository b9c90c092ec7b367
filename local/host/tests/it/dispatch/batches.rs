//! `cardinality: many`: one batch at a time, of what is there; all of it completed, or given back.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use bus::{LockLost, Message};
use host::{DeliveryOutcome, Event, InvocationFailure, Level};
use serde_json::Value;
use testkit::fixture::AppFolder;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, SeenRequest, many, ok};

const PREFIX: &str = "AzureFunctionsJobHost__extensions__serviceBus__";

/// The numbers in each request so far.
fn numbers(bench: &Bench) -> Vec<Vec<u64>> {
    let numbers = |seen: &SeenRequest| {
        let text = seen.body()["Metadata"]["SequenceNumberArray"].clone();
        serde_json::from_str(text.as_str().expect("an array as text")).expect("JSON")
    };
    bench
        .log
        .lock()
        .expect("unpoisoned")
        .iter()
        .map(numbers)
        .collect()
}

fn send(bench: &Bench, session: &str, count: usize) {
    for _ in 0..count {
        let message = Message::new("{}").with_session(session);
        bench.queue.enqueue(message).expect("accepted");
    }
}

/// A handler that answers each request when it may.
async fn gated(app: &AppFolder, settings: &[(&str, &str)]) -> (Bench, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let answer = move |_| {
        let open = Arc::clone(&open);
        async move {
            open.acquire().await.expect("open").forget();
            ok()
        }
    };
    (Bench::of(app, settings, answer).await, gate)
}

async fn until_seen(bench: &Bench, requests: usize) {
    while bench.log.lock().expect("unpoisoned").len() < requests {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_there_goes_out_one_batch_at_a_time_up_to_the_largest() {
    let most = format!("{PREFIX}maxMessageBatchSize");
    let (mut bench, gate) = gated(&many("binary", false), &[(&most, "3")]).await;
    send(&bench, "A", 1);
    until_seen(&bench, 1).await;
    // One batch is out: these wait, whatever maxConcurrentCalls says.
    send(&bench, "A", 5);
    gate.add_permits(3);
    for sequence in 1..=6 {
        let delivered = bench.delivered().await;
        assert_eq!(delivered.sequence, sequence);
        let logs = Vec::new();
        assert_eq!(
            delivered.outcome,
            DeliveryOutcome::Completed { status: 200, logs }
        );
    }
    assert_eq!(numbers(&bench), [vec![1], vec![2, 3, 4], vec![5, 6]]);
    let counts = bench.queue.counts();
    assert_eq!((counts.active, counts.locked), (0, 0));
}

#[tokio::test]
async fn function_json_has_a_largest_batch_of_its_own_and_the_former_name_counts() {
    for (function, host) in [(Some(2), None), (None, Some(2)), (Some(2), Some(9))] {
        let app = many("binary", false);
        if let Some(size) = function {
            let own = format!("\"cardinality\": \"many\", \"maxMessageBatchSize\": {size}");
            app.replace(
                "OrderItemsReserver/function.json",
                "\"cardinality\": \"many\"",
                &own,
            );
        }
        let former = format!("{PREFIX}batchOptions__maxMessageCount");
        let size = host.map(|size: usize| size.to_string());
        let settings: Vec<_> = size.iter().map(|size| (&*former, &**size)).collect();
        let (mut bench, gate) = gated(&app, &settings).await;
        send(&bench, "A", 1);
        until_seen(&bench, 1).await;
        send(&bench, "A", 2);
        gate.add_permits(2);
        for _ in 0..3 {
            bench.delivered().await;
        }
        assert_eq!(numbers(&bench), [vec![1], vec![2, 3]]);
    }
}

#[tokio::test]
async fn a_failure_gives_all_of_it_back_and_the_lines_of_an_answer_are_told_once() {
    let app = many("string", false);
    let answer = async |count| match count {
        1 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => ok(),
    };
    let mut bench = Bench::with(&app, &[], answer, async |queue| {
        for _ in 0..3 {
            queue.enqueue(Message::new("{}")).expect("accepted");
        }
    })
    .await;
    for sequence in 1..=3 {
        let delivered = bench.delivered().await;
        assert_eq!(
            (delivered.sequence, delivered.delivery_count),
            (sequence, 1)
        );
        let why = InvocationFailure::Status(500);
        assert_eq!(
            delivered.outcome,
            DeliveryOutcome::Abandoned { why, last: false }
        );
    }
    let line = bench.events.recv().await.expect("an event");
    let (level, text) = (Level::Information, "all is well".to_owned());
    assert_eq!(line, Event::LogLine { level, text });
    for _ in 0..3 {
        assert_eq!(bench.delivered().await.delivery_count, 2);
    }
    assert_eq!(numbers(&bench), [vec![1, 2, 3], vec![1, 2, 3]]);
    let counts: Value = bench.log.lock().expect("unpoisoned")[1].body()["Metadata"].clone();
    assert_eq!(counts["DeliveryCountArray"], "[2,2,2]");
}

#[tokio::test]
async fn the_tenth_failure_of_a_batch_is_the_death_of_all_that_it_brought() {
    let answer = async |_| StatusCode::BAD_GATEWAY.into_response();
    let mut bench = Bench::with(&many("binary", false), &[], answer, async |queue| {
        queue.enqueue(Message::new("poison")).expect("accepted");
        queue.enqueue(Message::new("good")).expect("accepted");
    })
    .await;
    for _ in 0..20 {
        bench.delivered().await;
    }
    assert_eq!(bench.queue.counts().dead_lettered, 2);
}

#[tokio::test]
async fn with_sessions_a_batch_is_of_one_session_and_one_session_is_served_at_a_time() {
    let idle = format!("{PREFIX}sessionIdleTimeout");
    let settings = [(&*idle, "00:00:00.005")];
    let app = many("binary", true);
    let mut bench = Bench::with(
        &app,
        &settings,
        async |_| ok(),
        async |queue| {
            for session in ["A", "B", "A", "B", "A"] {
                let message = Message::new("{}").with_session(session);
                queue.enqueue(message).expect("accepted");
            }
        },
    )
    .await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(bench.delivered().await.session.expect("a session"));
    }
    assert_eq!(sessions, ["A", "A", "A", "B", "B"]);
    assert_eq!(numbers(&bench), [vec![1, 3, 5], vec![2, 4]]);
    let log = bench.log.lock().expect("unpoisoned");
    let end = log[0].body()["Metadata"]["MessageSession"]["SessionLockedUntil"].clone();
    assert!(end.as_str().expect("text").ends_with("+00:00"), "{end}");
}

#[tokio::test]
async fn too_few_wait_for_others_but_not_for_ever() {
    let least = format!("{PREFIX}minMessageBatchSize");
    let wait = format!("{PREFIX}maxBatchWaitTime");
    let settings = [(&*least, "3"), (&*wait, "00:01:00")];
    let (mut bench, gate) = gated(&many("binary", false), &settings).await;
    gate.add_permits(2);
    send(&bench, "A", 3);
    for _ in 0..3 {
        bench.delivered().await;
    }
    send(&bench, "A", 2);
    while bench.queue.counts().locked < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(numbers(&bench).concat(), [1, 2, 3]);
    tokio::time::pause();
    timeout(Duration::from_secs(59), bench.events.recv())
        .await
        .expect_err("they wait");
    tokio::time::resume();
    tokio::time::pause();
    sleep(Duration::from_secs(2)).await;
    tokio::time::resume();
    for _ in 0..2 {
        bench.delivered().await;
    }
    assert_eq!(numbers(&bench), [vec![1, 2, 3], vec![4, 5]]);
}

#[tokio::test]
async fn no_lock_of_a_batch_is_renewed() {
    let (bench, _gate) = gated(&many("binary", false), &[]).await;
    send(&bench, "A", 1);
    until_seen(&bench, 1).await;
    let until = bench.queue.peek()[0].locked_until;
    tokio::time::pause();
    // Just before the lock ends nobody has renewed it.
    sleep(Duration::from_secs(299)).await;
    assert_eq!(bench.queue.peek()[0].locked_until, until);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.queue.counts().locked, 0);
    assert_eq!(bench.queue.complete(uuid::Uuid::nil()), Err(LockLost));
}
