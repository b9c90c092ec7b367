//! What a new process finds.

use std::time::Duration;

use bus::{Counts, DeadLetterReason, Enqueued, Message, Peeked, Queue, QueueOptions};
use stand_in::Clock;
use testkit::fixture::Folder;
use time::macros::datetime;
use tokio::time::advance;

use super::{journal, open_in, text};

const MINUTE: Duration = Duration::from_secs(60);

fn rich_message() -> Message {
    let mut message = Message::new(vec![0xE4, 0x00, 0xFF, b'\n'])
        .with_session("S")
        .with_id("m-1");
    let properties = &mut message.properties;
    properties.label = Some("Köln 🛒\n\"quoted\"".to_owned());
    properties.time_to_live = Some(0.1 + 3600.0);
    let json = r#"{"kind":"cart","price":59.90,"schemaversion":1,"paid":true}"#;
    properties.application = serde_json::from_str(json).expect("JSON");
    message
}

#[tokio::test(start_paused = true)]
async fn a_new_process_finds_messages_numbers_counts_duplicates_and_letters_as_they_were() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue.enqueue(rich_message()).unwrap();
    for _ in 1..=10 {
        let delivery = queue.try_receive().expect("a message");
        queue.abandon(delivery.lock_token).expect("the lock holds");
    }
    let letter = queue.try_receive_dead_letter().expect("a letter");
    queue.unlock_dead_letter(letter.lock_token).unwrap();
    queue.enqueue(Message::new("done").with_id("done")).unwrap();
    let done = queue.try_receive().expect("a message");
    queue.complete(done.lock_token).unwrap();
    for body in ["abandoned", "locked", "waits"] {
        queue.enqueue(Message::new(body)).unwrap();
    }
    let [abandoned, _locked] = [(); 2].map(|()| queue.try_receive().expect("a message"));
    queue.abandon(abandoned.lock_token).unwrap();
    let (before, letters) = (queue.peek(), queue.dead_letters());
    drop(queue);

    let queue = open_in(&folder);
    assert_eq!(queue.dead_letters(), letters);
    assert_eq!(letters[0].accepted.message, rich_message());
    assert_eq!(letters[0].delivery_count, 11);
    let after = queue.peek();
    assert!(
        after.iter().all(|peeked| peeked.locked_until.is_none()),
        "locks end with the process"
    );
    let told = |all: &[Peeked]| -> Vec<_> {
        let each = all
            .iter()
            .map(|one| (one.accepted.clone(), one.delivery_count));
        each.collect()
    };
    assert_eq!(told(&after), told(&before));
    let counts: Vec<u32> = after.iter().map(|peeked| peeked.delivery_count).collect();
    assert_eq!(counts, [1, 1, 0]);
    for known in ["m-1", "done"] {
        let again = queue.enqueue(Message::new("again").with_id(known));
        assert_eq!(again, Ok(Enqueued::Duplicate), "{known}");
    }
    let next = queue.enqueue(Message::new("next"));
    assert_eq!(next, Ok(Enqueued::Accepted { sequence: 6 }));
    assert_eq!(queue.try_receive().expect("a message").delivery_count, 2);
}

#[tokio::test(start_paused = true)]
async fn numbers_and_the_duplicate_window_outlive_the_messages_and_several_compactions() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue.enqueue(Message::new("a").with_id("a")).unwrap();
    let delivery = queue.try_receive().expect("a message");
    queue.complete(delivery.lock_token).unwrap();
    drop(queue);
    let clock = Clock::new();
    for _ in 0..3 {
        // A restart writes the file anew.
        let queue = Queue::open(
            "order-items",
            QueueOptions::default(),
            clock,
            &journal(&folder),
        );
        let again = queue
            .expect("opens")
            .enqueue(Message::new("a").with_id("a"));
        assert_eq!(again, Ok(Enqueued::Duplicate));
        assert!(!text(&folder).contains("\"accepted\""), "{}", text(&folder));
    }
    advance(10 * MINUTE).await;
    let queue = Queue::open(
        "order-items",
        QueueOptions::default(),
        clock,
        &journal(&folder),
    );
    let again = queue
        .expect("opens")
        .enqueue(Message::new("a").with_id("a"));
    assert_eq!(again, Ok(Enqueued::Accepted { sequence: 2 }));
}

#[tokio::test(start_paused = true)]
async fn the_last_hand_out_is_the_last_also_when_the_process_ended_meanwhile() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue.enqueue(Message::new("poison")).unwrap();
    for _ in 1..=9 {
        let delivery = queue.try_receive().expect("a message");
        queue.abandon(delivery.lock_token).unwrap();
    }
    assert_eq!(queue.try_receive().expect("a message").delivery_count, 10);
    drop(queue);
    let queue = open_in(&folder);
    assert!(queue.try_receive().is_none());
    let letters = queue.dead_letters();
    let reason = DeadLetterReason::MaxDeliveryCountExceeded;
    assert_eq!(
        (letters[0].reason.clone(), letters[0].delivery_count),
        (reason, 10)
    );
    drop(queue);
    assert_eq!(open_in(&folder).dead_letters(), letters, "once and for all");
}

#[tokio::test(start_paused = true)]
async fn times_do_not_go_back_when_the_machines_clock_was_set_back() {
    let folder = Folder::new();
    let at = |time| {
        let clock = Clock::starting_at(time);
        Queue::open(
            "order-items",
            QueueOptions::default(),
            clock,
            &journal(&folder),
        )
        .expect("opens")
    };
    let noon = datetime!(2026-05-04 12:00 UTC);
    at(noon).enqueue(Message::new("first")).unwrap();
    let queue = at(noon - MINUTE);
    queue.enqueue(Message::new("second")).unwrap();
    let times: Vec<_> = queue
        .peek()
        .iter()
        .map(|one| one.accepted.enqueued)
        .collect();
    assert_eq!(times, [noon, noon]);
    drop(queue);
    let later = at(noon + MINUTE);
    later.enqueue(Message::new("third")).unwrap();
    assert_eq!(later.peek()[2].accepted.enqueued, noon + MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_mostly_about_settled_messages_is_written_anew_while_the_queue_runs() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue
        .enqueue(Message::new("stays").with_id("stays"))
        .unwrap();
    let stays = queue.try_receive().expect("a message");
    for _ in 0..40_000 {
        queue.enqueue(Message::new("x")).unwrap();
        let delivery = queue.try_receive().expect("a message");
        queue.complete(delivery.lock_token).unwrap();
    }
    assert!(text(&folder).matches("completed").count() < 10_000);
    queue.enqueue(Message::new("last")).unwrap();
    queue.abandon(stays.lock_token).expect("the lock holds");
    let before = queue.peek();
    drop(queue);
    let queue = open_in(&folder);
    assert_eq!(queue.peek(), before);
    let counts = Counts {
        active: 2,
        locked: 0,
        deferred: 0,
        scheduled: 0,
        dead_lettered: 0,
    };
    assert_eq!(queue.counts(), counts);
    let next = queue.enqueue(Message::new("next"));
    assert_eq!(next, Ok(Enqueued::Accepted { sequence: 40_003 }));
}
