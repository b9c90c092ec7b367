//! The journal as a file: what a person reads in it, what is cut off, and what is refused.

use bus::{Enqueued, JournalError, Message};

use crate::journal::{Folder, open};

#[tokio::test(start_paused = true)]
async fn a_person_can_read_it() {
    let folder = Folder::new();
    let queue = folder.open();
    queue
        .enqueue(Message::new("{\"id\":\"Köln\"}").with_id("m-1"))
        .unwrap();
    let delivery = queue.try_receive().expect("a message");
    queue.complete(delivery.lock_token).unwrap();
    let text = folder.text();
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
    let queue = folder.open();
    queue.enqueue(Message::new("whole")).unwrap();
    let whole = folder.text().len();
    queue.enqueue(Message::new("torn 🛒")).unwrap();
    drop(queue);
    let bytes = std::fs::read(folder.journal()).expect("readable");
    for end in whole..bytes.len() {
        std::fs::write(folder.journal(), &bytes[..end]).expect("writable");
        let queue = folder.open();
        let next = queue.enqueue(Message::new("next"));
        assert_eq!(next, Ok(Enqueued::Accepted { sequence: 2 }), "cut at {end}");
        drop(queue);
        let queue = folder.open();
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
    let queue = folder.open();
    queue.enqueue(Message::new("a")).unwrap();
    queue.enqueue(Message::new("b")).unwrap();
    drop(queue);
    let good = folder.text();
    let error = |text: &str| {
        std::fs::write(folder.journal(), text).expect("writable");
        let error = open(&folder.journal()).expect_err("damaged").to_string();
        assert_eq!(folder.text(), text, "left as it was");
        let file = folder.journal().display().to_string();
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
    let queue = folder.open();
    let error = open(&folder.journal()).expect_err("in use");
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("another local stack keeps its queue here")
    );
    queue.enqueue(Message::new("still works")).unwrap();
    drop(queue);
    assert_eq!(folder.open().counts().active, 1);
}
