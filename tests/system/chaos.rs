//! The short form of `just chaos`: two instances of the real binary on one queue, every fault there
//! is, kills and lost locks. And its negative controls: what a saboteur does to the blobs or the
//! queue is reported as broken.

use std::path::Path;
use std::time::Duration;

use blob::{Blob, BlobStorage, Conditions, Upload};
use bus::{Message, Queue, Transition};
use load::judge::Violation;
use load::report::{Conclusion, Report};
use stack::chaos::{Chaos, ChaosPlan};
use time::format_description::well_known::Rfc3339;

async fn chaos(messages: usize) -> Chaos {
    chaos_in(&testkit::workspace(), messages).await
}

async fn chaos_in(root: &Path, messages: usize) -> Chaos {
    let plan = ChaosPlan {
        root: root.to_owned(),
        handler: testkit::programs::built("order-items-reserver"),
        messages,
        sessions: 20,
        seed: 7,
        limit: Duration::from_secs(10 * 60),
    };
    Chaos::start(plan).await.unwrap()
}

/// Runs to the end; the saboteur stops with it.
async fn run(chaos: Chaos, saboteur: impl Future<Output = ()>) -> Report {
    let saboteur = async {
        saboteur.await;
        std::future::pending::<()>().await;
    };
    let report = tokio::select! {
        report = chaos.run(std::future::pending(), |_| {}) => report.unwrap(),
        () = saboteur => unreachable!("it waits for the end"),
    };
    println!("{report}");
    report
}

fn writes(storage: &BlobStorage) -> Vec<String> {
    let writes = storage.writes_after(0).into_iter();
    writes.map(|write| write.name).collect()
}

fn put(storage: &BlobStorage, name: &str, blob: &Blob, bytes: impl Into<bytes::Bytes>) {
    let upload = Upload {
        bytes: bytes.into(),
        metadata: blob.metadata.clone(),
        content_type: blob.content_type.clone(),
    };
    let put = storage.put("orders", name, upload, &Conditions::default());
    put.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_s2_s3_l1_l4_two_instances_under_every_fault_keep_the_promise() {
    let report = run(chaos(2_000).await, async {}).await;
    assert_eq!(report.verdict, Conclusion::Kept, "{report}");
    let figures = report.figures.as_ref().expect("the figures of chaos");
    assert_eq!(figures.accepted, 2_000);
    assert!(
        figures.injected.len() >= 20,
        "every kind of trouble: {report}"
    );
    assert!(figures.kills > 0 && figures.locks_lost > 0, "{report}");
    assert!(figures.redeliveries > 0 && figures.mails > 0, "{report}");
    assert!(
        figures.late_answers > 0,
        "two worked on one message: {report}"
    );
    assert_eq!(figures.fates.queued, 0, "at rest: {report}");
    assert!(
        figures.dead_in_outages > 0 && figures.fates.dead_lettered > 10,
        "a good many end as dead letters and nowhere else: {report}"
    );
    let poison = &figures.poison;
    assert_eq!(figures.poison_accepted, 10, "two of each kind: {report}");
    assert_eq!(poison.mailed + poison.dead_lettered, 10, "{report}");
    assert!(poison.mailed > 0, "{report}");
}

/// One word in function.json, and nothing else. One batch runs at a time, and waits before it is
/// given back, so a run takes longer than one message at a time does.
#[tokio::test(flavor = "multi_thread")]
async fn s1_s2_s3_l1_l4_two_instances_under_every_fault_keep_the_promise_in_batches() {
    let app = crate::app_in_batches();
    let report = run(chaos_in(app.path(), 1_000).await, async {}).await;
    assert_eq!(report.verdict, Conclusion::Kept, "{report}");
    let figures = report.figures.as_ref().expect("the figures of chaos");
    assert_eq!(figures.accepted, 1_000);
    assert!(figures.kills > 0 && figures.redeliveries > 0, "{report}");
    assert!(figures.mails > 0, "{report}");
    assert_eq!(figures.fates.queued, 0, "at rest: {report}");
}

/// Puts the first cart of a session back, over a later one.
async fn take_back(storage: BlobStorage) {
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        for name in writes(&storage) {
            if let [first, _, .., _] = storage.history("orders", &name).as_slice() {
                return put(&storage, &name, first, first.bytes.clone());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_taken_back_is_reported() {
    let chaos = chaos(300).await;
    let storage = chaos.stack().blob.as_ref().unwrap().storage().clone();
    let report = run(chaos, take_back(storage)).await;
    assert_eq!(report.verdict, Conclusion::Broken, "{report}");
    let is_it = |found: &Violation| matches!(found, Violation::WentBack { .. });
    assert!(report.violations.iter().any(is_it), "{report}");
    assert!(report.to_string().contains("--seed 7"), "{report}");
}

/// Changes one byte of a cart.
async fn alter(storage: BlobStorage) {
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        for name in writes(&storage) {
            if let Some(blob) = storage.blob("orders", &name) {
                let mut bytes = blob.bytes.to_vec();
                *bytes.last_mut().unwrap() = b' ';
                return put(&storage, &name, &blob, bytes);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_with_other_bytes_is_reported() {
    let chaos = chaos(300).await;
    let storage = chaos.stack().blob.as_ref().unwrap().storage().clone();
    let report = run(chaos, alter(storage)).await;
    assert_eq!(report.verdict, Conclusion::Broken, "{report}");
    let is_it = |found: &Violation| matches!(found, Violation::Altered { .. });
    assert!(report.violations.iter().any(is_it), "{report}");
}

/// A receiver that completes what it gets, and stores nothing. It gets a third or so: some last
/// carts among them.
async fn swallow(queue: Queue) {
    loop {
        let delivery = queue.receive().await;
        queue.complete(delivery.lock_token).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_completed_and_not_stored_is_reported() {
    let chaos = chaos(300).await;
    let queue = chaos.stack().queue.clone();
    let report = run(chaos, swallow(queue)).await;
    assert_eq!(report.verdict, Conclusion::Broken, "{report}");
    let is_it = |found: &Violation| matches!(found, Violation::Lost { .. });
    assert!(report.violations.iter().any(is_it), "{report}");
    assert!(report.fates.lost > 0, "{report}");
}

/// Lets the queue give up on what it gets, and throws the dead letters away.
async fn throw_away(queue: Queue) {
    loop {
        let delivery = queue.receive().await;
        queue.abandon(delivery.lock_token).ok();
        while let Some(letter) = queue.try_receive_dead_letter() {
            queue.complete_dead_letter(letter.lock_token).ok();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_are_thrown_away_are_reported() {
    let chaos = chaos(300).await;
    let queue = chaos.stack().queue.clone();
    let report = run(chaos, throw_away(queue)).await;
    assert_eq!(report.verdict, Conclusion::Broken, "{report}");
    let is_it = |found: &Violation| matches!(found, Violation::Lost { .. });
    assert!(report.violations.iter().any(is_it), "{report}");
}

/// Writes the first message that is not JSON into its session's blob, as if it were an order.
async fn store_poison(queue: Queue, storage: BlobStorage) {
    let mut transitions = queue.transitions();
    loop {
        let Transition::Accepted(accepted) = transitions.recv().await.unwrap() else {
            continue;
        };
        let Message {
            body, properties, ..
        } = accepted.message.clone();
        if serde_json::from_slice::<serde_json::Value>(&body).is_ok() {
            continue;
        }
        let metadata = [
            ("sequence", accepted.sequence.to_string()),
            ("enqueued", accepted.enqueued.format(&Rfc3339).unwrap()),
            ("messageid", properties.message_id.unwrap()),
        ];
        let upload = Upload {
            bytes: body,
            metadata: metadata
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            content_type: "application/json".to_owned(),
        };
        let name = format!("{}.json", properties.session_id.unwrap());
        let put = storage.put("orders", &name, upload, &Conditions::default());
        put.unwrap();
        return;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_that_is_stored_is_reported() {
    let chaos = chaos(300).await;
    let stack = chaos.stack();
    let storage = stack.blob.as_ref().unwrap().storage().clone();
    let saboteur = store_poison(stack.queue.clone(), storage);
    let report = run(chaos, saboteur).await;
    assert_eq!(report.verdict, Conclusion::Broken, "{report}");
    let is_it = |found: &Violation| matches!(found, Violation::PoisonStored { .. });
    assert!(report.violations.iter().any(is_it), "{report}");
}
