//! The journal as a file: what a person reads in it, what is cut off, and what is refused.

use bus::{Enqueued, JournalError, Message, Queue, QueueOptions};
use stand_in::Clock;
use testkit::fixture::Folder;
use time::macros::datetime;

use super::{journal, open, open_in, text};

#[tokio::test(start_paused = true)]
async fn a_person_can_read_it() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue
        .enqueue(Message::new("{\"id\":\"Köln\"}").with_id("m-1"))
        .unwrap();
    let delivery = queue.try_receive().expect("a message");
    queue.complete(delivery.lock_token).unwrap();
    let text = text(&folder);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"journal":{"format":1,"queue":"order-items"}}"#
    );
    assert!(
        lines[2].starts_with(r#"{"accepted":{"sequence":1,"enqueued":"20"#),
        "{}",
        lines[2]
    );
    let message = r#""message":{"body":"{\"id\":\"Köln\"}","properties":{"MessageId":"m-1"}}}}"#;
    assert!(lines[2].ends_with(message), "{}", lines[2]);
    assert_eq!(
        lines[3],
        r#"{"handedOut":{"sequence":1,"deliveryCount":1}}"#
    );
    assert_eq!(lines[4], r#"{"completed":{"sequence":1}}"#);
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_is_cut_off_wherever_it_is_torn_and_what_follows_is_whole() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue.enqueue(Message::new("whole")).unwrap();
    let whole = text(&folder).len();
    queue.enqueue(Message::new("torn 🛒")).unwrap();
    drop(queue);
    let bytes = std::fs::read(journal(&folder)).expect("readable");
    for end in whole..bytes.len() {
        std::fs::write(journal(&folder), &bytes[..end]).expect("writable");
        let queue = open_in(&folder);
        let next = queue.enqueue(Message::new("next"));
        assert_eq!(next, Ok(Enqueued::Accepted { sequence: 2 }), "cut at {end}");
        drop(queue);
        let queue = open_in(&folder);
        let bodies: Vec<_> = queue
            .peek()
            .into_iter()
            .map(|one| one.accepted.message.body)
            .collect();
        assert_eq!(bodies, ["whole", "next"], "cut at {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_line_is_an_error_that_says_where_and_changes_nothing() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    queue.enqueue(Message::new("a")).unwrap();
    queue.enqueue(Message::new("b")).unwrap();
    drop(queue);
    let good = text(&folder);
    let error = |text: &str| {
        std::fs::write(journal(&folder), text).expect("writable");
        let error = open(&journal(&folder)).expect_err("damaged").to_string();
        assert_eq!(super::text(&folder), text, "left as it was");
        let file = journal(&folder).display().to_string();
        error
            .strip_prefix(&file)
            .expect("the file first")
            .to_owned()
    };
    // The first two lines say what the file is, and the highest number.
    let broken = error(&good.replacen("\"sequence\":1", "\"sequence\":one", 1));
    assert!(
        broken.starts_with(": line 3: expected an entry of the journal: "),
        "{broken}"
    );
    let twice = error(&format!("{good}{}\n", good.lines().last().expect("a line")));
    assert!(
        twice.starts_with(": line 5: #2 waits already; repair"),
        "{twice}"
    );
    let unknown = error(&format!("{good}{{\"completed\":{{\"sequence\":9}}}}\n"));
    assert!(
        unknown.contains(": line 5: expected an earlier line that accepts #9"),
        "{unknown}"
    );
    let odd = error(&good.replacen("\"MessageId\"", "\"MesageId\"", 1));
    assert!(odd.contains("unknown field `MesageId`"), "{odd}");
    let other = error(&good.replacen("order-items", "other", 1));
    assert!(
        other.contains(
            r#": line 1: expected {"journal":{"format":1,"queue":"order-items"}}, found {"#
        ),
        "{other}"
    );
    for no_journal in ["", "{\"jour"] {
        assert!(error(no_journal).contains(": line 1: expected {\"journal\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_has_one_stack_at_a_time() {
    let folder = Folder::new();
    let queue = open_in(&folder);
    let error = open(&journal(&folder)).expect_err("in use");
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("another local stack keeps its queue here")
    );
    queue.enqueue(Message::new("still works")).unwrap();
    drop(queue);
    assert_eq!(open_in(&folder).counts().active, 1);
}

/// Every kind of line, as each was written since the first version.
const OLD_FILE: &str = r#"{"journal":{"format":1,"queue":"order-items"}}
{"highest":{"sequence":6,"latest":"2026-05-04T09:30:00Z"}}
{"remembered":{"messageId":"gone","at":"2026-05-04T09:30:00Z"}}
{"accepted":{"sequence":1,"enqueued":"2026-05-04T09:30:00Z","expires":"2126-05-04T09:30:00Z","message":{"body":"waits","properties":{"MessageId":"m-1","SessionId":"S"}}}}
{"handedOut":{"sequence":1,"deliveryCount":1}}
{"released":{"sequence":1,"deliveryCount":1}}
{"accepted":{"sequence":2,"enqueued":"2026-05-04T09:30:00Z","expires":"2126-05-04T09:30:00Z","message":{"body":{"base64":"5AA="},"properties":{"MessageId":"m-2"}}}}
{"handedOut":{"sequence":2,"deliveryCount":2}}
{"accepted":{"sequence":3,"enqueued":"2026-05-04T09:30:00Z","expires":"2126-05-04T09:30:00Z","message":{"body":"","properties":{"MessageId":"m-3"}}}}
{"completed":{"sequence":3}}
{"accepted":{"sequence":4,"enqueued":"2026-05-04T09:30:00Z","expires":"2126-05-04T09:30:00Z","message":{"body":"dead","properties":{"MessageId":"m-4"}}}}
{"deadLettered":{"sequence":4,"deliveryCount":10,"at":"2026-05-04T09:31:00Z","reason":"MaxDeliveryCountExceeded"}}
{"letterHandedOut":{"sequence":4,"deliveryCount":11}}
{"accepted":{"sequence":5,"enqueued":"2026-05-04T09:30:00Z","expires":"2126-05-04T09:30:00Z","message":{"body":"","properties":{"MessageId":"m-5"}}}}
{"deadLettered":{"sequence":5,"deliveryCount":0,"at":"2026-05-04T09:31:00Z","reason":"TTLExpiredException"}}
{"letterCompleted":{"sequence":5}}
"#;

#[tokio::test(start_paused = true)]
async fn every_line_of_an_earlier_version_is_read_and_written_the_same() {
    let folder = Folder::new();
    std::fs::create_dir_all(journal(&folder).parent().expect("a folder")).expect("created");
    std::fs::write(journal(&folder), OLD_FILE).expect("writable");
    let clock = Clock::starting_at(datetime!(2026-05-04 09:31 UTC));
    let options = QueueOptions::default();
    let queue = Queue::open("order-items", options, clock, &journal(&folder)).expect("opens");
    let waiting: Vec<_> = queue
        .peek()
        .into_iter()
        .map(|one| (one.accepted.message.body.to_vec(), one.delivery_count))
        .collect();
    assert_eq!(waiting, [(b"waits".to_vec(), 1), (vec![0xE4, 0], 2)]);
    let letters = queue.dead_letters();
    assert_eq!((letters.len(), letters[0].delivery_count), (1, 11));
    let gone = queue.enqueue(Message::new("again").with_id("gone"));
    assert_eq!(gone, Ok(Enqueued::Duplicate));

    // The file was written anew, and the same things happen once more.
    let message = |id: &str| Message::new("").with_id(id);
    for id in ["m-7", "m-8"] {
        queue.enqueue(message(id)).unwrap();
    }
    let [one, _two, seven] = [(); 3].map(|()| queue.try_receive().expect("a message"));
    queue.abandon(one.lock_token).unwrap();
    queue.complete(seven.lock_token).unwrap();
    let letter = queue.try_receive_dead_letter().expect("a letter");
    queue.complete_dead_letter(letter.lock_token).unwrap();
    let text = text(&folder);
    let known: Vec<&str> = OLD_FILE.lines().collect();
    for line in [
        known[0], known[2], known[3], known[4], known[6], known[7], known[10],
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    for line in [
        r#"{"highest":{"sequence":6,"latest":"2026-05-04T09:31:00Z"}}"#,
        r#"{"deadLettered":{"sequence":4,"deliveryCount":11,"at":"2026-05-04T09:31:00Z","reason":"MaxDeliveryCountExceeded"}}"#,
        r#"{"accepted":{"sequence":7,"enqueued":"2026-05-04T09:31:00Z","expires":"2026-05-18T09:31:00Z","message":{"body":"","properties":{"MessageId":"m-7"}}}}"#,
        r#"{"released":{"sequence":1,"deliveryCount":2}}"#,
        r#"{"completed":{"sequence":7}}"#,
        r#"{"letterHandedOut":{"sequence":4,"deliveryCount":12}}"#,
        r#"{"letterCompleted":{"sequence":4}}"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
