//! A stop: nothing more is received, what is in flight has ten seconds, and who succeeds meanwhile
//! has succeeded too late, unless it was a batch.

use std::sync::Arc;

use bus::{Message, Queue};
use host::{DeliveryOutcome, Event, InvocationFailure};
use testkit::fixture::AppFolder;
use testkit::workspace;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::bench::{Bench, many, next_delivered, ok};

/// A handler that answers when it may.
async fn waiting(app: &AppFolder) -> (Bench, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let answer = move |_| {
        let open = Arc::clone(&open);
        async move {
            open.acquire().await.expect("open").forget();
            ok()
        }
    };
    let bench = Bench::of(app, &[], answer).await;
    bench.queue.enqueue(Message::new("x")).unwrap();
    while bench.log.lock().expect("unpoisoned").is_empty() {
        tokio::task::yield_now().await;
    }
    (bench, gate)
}

/// What becomes of the message when the handler may answer so often after the stop has begun, and
/// the events from then on.
async fn stopped_with(
    bench: Bench,
    gate: &Semaphore,
    permits: usize,
) -> (DeliveryOutcome, Queue, Receiver<Event>) {
    let Bench {
        host,
        mut events,
        queue,
        log,
        tasks: _handler,
    } = bench;
    let all = host.events();
    let meanwhile = async {
        tokio::task::yield_now().await;
        // What comes now is for the next host.
        queue.enqueue(Message::new("y")).unwrap();
        gate.add_permits(permits);
        next_delivered(&mut events).await.outcome
    };
    let ((), outcome) = tokio::join!(host.stop(), meanwhile);
    let seen = log.lock().expect("unpoisoned").len();
    assert_eq!(seen, 1, "nothing more was received");
    (outcome, queue, all)
}

#[tokio::test]
async fn a_success_during_the_stop_is_given_back() {
    let (bench, gate) = waiting(&AppFolder::copy_of(&workspace())).await;
    let (outcome, queue, _) = stopped_with(bench, &gate, 1).await;
    let why = InvocationFailure::SucceededTooLate;
    assert_eq!(outcome, DeliveryOutcome::Abandoned { why, last: false });
    assert_eq!((queue.counts().active, queue.counts().locked), (2, 0));
}

#[tokio::test]
async fn a_batch_that_succeeds_during_the_stop_is_completed() {
    let (bench, gate) = waiting(&many("binary", false)).await;
    let (outcome, queue, _) = stopped_with(bench, &gate, 1).await;
    assert!(
        matches!(outcome, DeliveryOutcome::Completed { .. }),
        "{outcome:?}"
    );
    assert_eq!((queue.counts().active, queue.counts().locked), (1, 0));
}

#[tokio::test]
async fn after_ten_seconds_the_message_is_left_to_its_lock_and_the_host_says_so() {
    let (bench, gate) = waiting(&AppFolder::copy_of(&workspace())).await;
    // The ten seconds pass at once: nothing else is left to do.
    tokio::time::pause();
    let (outcome, queue, mut events) = stopped_with(bench, &gate, 0).await;
    assert_eq!(outcome, DeliveryOutcome::LeftLocked);
    assert_eq!((queue.counts().active, queue.counts().locked), (1, 1));
    let Ok(Event::Note { text, .. }) = events.try_recv() else {
        panic!("a note comes first")
    };
    assert!(
        text.contains("the real host would leave it running"),
        "{text}"
    );
}

#[tokio::test]
async fn an_idle_host_stops_at_once() {
    let mut bench = Bench::new(&[], async |_| ok()).await;
    bench.host.stop().await;
    assert_eq!(bench.events.try_recv(), Err(TryRecvError::Closed));
}
