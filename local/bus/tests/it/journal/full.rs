//! A disk that takes no more: sends are refused, and what was accepted is whole.
#![cfg(unix)]

use bus::{Message, SendRefused};
use testkit::child;
use testkit::fixture::Folder;
use tokio::sync::mpsc::unbounded_channel;

use super::{journal, open, open_in};

/// Runs under a limit for the size of a file, as on a full disk.
#[test]
#[ignore = "the child of the test below"]
fn filler() {
    let Some(place) = child::place() else {
        return;
    };
    let queue = open(&place).unwrap();
    let (sender, mut troubles) = unbounded_channel();
    queue.tell_troubles_to(sender);
    for length in [1000, 100, 0] {
        let send = || queue.enqueue(Message::new("x".repeat(length)));
        let refused = loop {
            if let Err(refused) = send() {
                break refused;
            }
        };
        let SendRefused::NotKept(why) = refused else {
            panic!("{refused}")
        };
        assert!(why.contains("queue.jsonl: cannot write: "), "{why}");
    }
    let accepted = queue.peek().len();
    assert!(accepted > 2);
    let batch = vec![Message::new("a"), Message::new("b")];
    assert!(matches!(queue.send(batch), Err(SendRefused::NotKept(_))));
    assert_eq!(queue.peek().len(), accepted, "none or all");
    // What happens here is true all the same, and owed to the file.
    while let Some(delivery) = queue.try_receive() {
        assert_eq!(queue.complete(delivery.lock_token), Ok(()));
    }
    let told = troubles.try_recv().expect("told");
    assert!(told.contains("may be delivered again"), "{told}");
    assert!(troubles.try_recv().is_err(), "once");
    child::tell(&format!("accepted {accepted}"));
}

#[tokio::test]
async fn a_full_disk_refuses_sends_and_loses_nothing() {
    let folder = Folder::new();
    // Without the trap the system ends a process that writes beyond the limit.
    let limit = "trap '' XFSZ; ulimit -f 20";
    let filler = child::limited(limit, "journal::full::filler", &journal(&folder))
        .output()
        .expect("runs");
    let errors = String::from_utf8_lossy(&filler.stderr);
    assert!(filler.status.success(), "{filler:?}{errors}");
    let told = child::told(&*filler.stdout).next().expect("told");
    let count = told.strip_prefix("accepted ").expect("a count");
    let count: usize = count.parse().expect("a number");
    let queue = open_in(&folder);
    let found = queue.counts().active;
    assert!(
        found > 2 && found <= count,
        "{found} of {count}: some may have been completed in the room that was left"
    );
    let next = queue.enqueue(Message::new("there is room again"));
    assert!(next.is_ok(), "{next:?}");
}
