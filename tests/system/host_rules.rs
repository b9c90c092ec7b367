//! What the function promises where the real host is unkind, against a host that is as unkind: a
//! success that comes too late, a lock that is lost, a body that cannot be bound.

use std::time::Duration;

use bus::DeadLetterReason;
use host::{DeliveryOutcome, Event, Host, HostOptions, InvocationFailure};
use stand_in::Fault;
use testkit::{clients, programs};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::clients::connection;
use crate::stack::{BLOB, Pipeline, SESSION, cart, completed};

/// A safety net, never an expectation.
const LIMIT: Duration = Duration::from_secs(120);

/// Posts a cart to a storage that takes its time, and waits until its upload is under way.
async fn uploading(pipeline: &Pipeline) {
    pipeline.stack.host.as_ref().unwrap().ready().await;
    pipeline.set_faults(Fault::Delay(Duration::from_millis(500)), Fault::None);
    pipeline.post(&cart(1)).await;
    let under_way = async {
        while pipeline.uploads() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LIMIT, under_way).await.expect("an upload");
}

/// How often the cart was written, whatever came before and after.
fn writes(pipeline: &Pipeline) -> usize {
    let blob = pipeline.stack.blob.as_ref().unwrap();
    blob.history("orders", BLOB).len()
}

#[tokio::test]
async fn s1_a_cart_stored_while_the_host_stops_comes_again_and_is_not_written_again() {
    let mut pipeline = Pipeline::start().await;
    uploading(&pipeline).await;
    pipeline.stack.host.take().unwrap().stop().await;
    let why = InvocationFailure::SucceededTooLate;
    let given_back = DeliveryOutcome::Abandoned { why, last: false };
    assert_eq!(pipeline.delivered().await.outcome, given_back);
    pipeline.set_faults(Fault::None, Fault::None);
    assert_eq!(pipeline.blob_over_http().await, cart(1));

    let options = HostOptions {
        app: pipeline.stack.app.clone(),
        handler_url: None,
        traces: false,
    };
    let (next, events) = Host::start(options, pipeline.stack.queue.clone()).unwrap();
    pipeline.stack.events = events;
    let again = pipeline.delivered().await;
    assert_eq!(again.delivery_count, 2);
    assert!(completed(&again), "{again:?}");
    assert_eq!(writes(&pipeline), 1);
    assert_eq!(pipeline.blob_over_http().await, cart(1));
    next.stop().await;
    pipeline.stack.stop().await;
}

#[tokio::test]
async fn s2_a_cart_whose_lock_is_lost_runs_beside_itself_and_is_written_once() {
    let mut pipeline = Pipeline::start().await;
    uploading(&pipeline).await;
    assert_eq!(pipeline.stack.queue.lose_locks(|_| true), 1);
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        outcomes.push(pipeline.delivered().await);
    }
    assert_eq!(
        outcomes.iter().filter(|it| completed(it)).count(),
        1,
        "{outcomes:?}"
    );
    let lost = outcomes
        .iter()
        .find(|it| it.outcome == DeliveryOutcome::LockLost);
    assert!(lost.is_some(), "{outcomes:?}");
    pipeline.set_faults(Fault::None, Fault::None);
    assert_eq!(writes(&pipeline), 1);
    assert_eq!(pipeline.blob_over_http().await, cart(1));
    pipeline.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_sent_as_an_amqp_value_dies_unseen_and_a_redrive_brings_it_home() {
    let Some(client) = clients::python() else {
        return;
    };
    let mut pipeline = Pipeline::start().await;
    let sent = [&*connection(&pipeline), "value", SESSION, &cart(1)];
    client.send(&sent).await;
    for count in 1..=10 {
        let delivered = pipeline.delivered().await;
        assert_eq!(delivered.delivery_count, count);
        let DeliveryOutcome::Abandoned { why, .. } = delivered.outcome else {
            panic!("{delivered:?}")
        };
        let why = why.to_string();
        assert!(
            why.contains("found an AMQP value that is a string"),
            "{why}"
        );
    }
    let Ok(Event::DeadLettered { reason, .. }) = pipeline.stack.events.recv().await else {
        panic!("it is dead")
    };
    assert_eq!(reason, DeadLetterReason::MaxDeliveryCountExceeded);
    assert_eq!(pipeline.uploads(), 0, "the function has not seen it");

    let redrive = Command::new(programs::built("order-items-ops"))
        .args(["--wait", "0", "dead-letters", "redrive", "--yes"])
        .envs(&pipeline.stack.app.settings)
        .kill_on_drop(true)
        .output();
    let redrive = timeout(LIMIT, redrive)
        .await
        .expect("an end")
        .expect("a program");
    let told = String::from_utf8_lossy(&redrive.stdout);
    let error = String::from_utf8_lossy(&redrive.stderr);
    assert!(redrive.status.success(), "{told}\n{error}");
    assert!(told.contains("1 stored"), "{told}");
    assert_eq!(pipeline.blob_over_http().await, cart(1));
    assert!(pipeline.stack.queue.dead_letters().is_empty());
    pipeline.stack.stop().await;
}
