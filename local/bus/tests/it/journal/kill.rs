//! `kill -9` while messages come and go: what was told to be done is done.

use std::collections::BTreeMap;

use bus::{Enqueued, Message};
use testkit::child;
use testkit::fixture::Folder;

use super::{journal, open, open_in};

/// The process that is killed: it tells each thing after the queue did it.
#[test]
#[ignore = "the child of the test below"]
fn worker() {
    let Some(place) = child::place() else {
        return;
    };
    let queue = open(&place).unwrap();
    let tell = |what: &str, sequence: u64| child::tell(&format!("{what} {sequence}"));
    loop {
        for _ in 0..3 {
            let body = "x".repeat(2000);
            if let Enqueued::Accepted { sequence } = queue.enqueue(Message::new(body)).unwrap() {
                tell("accepted", sequence);
            }
        }
        let delivery = queue.try_receive().unwrap();
        tell("handed-out", delivery.accepted.sequence);
        if delivery.accepted.sequence.is_multiple_of(2) || delivery.delivery_count > 1 {
            // Also told before, because the kill may come between the deed and the word.
            tell("completing", delivery.accepted.sequence);
            queue.complete(delivery.lock_token).unwrap();
            tell("completed", delivery.accepted.sequence);
        } else {
            queue.abandon(delivery.lock_token).unwrap();
        }
    }
}

/// What a worker told before it was killed, after `lines` lines.
fn killed_after(folder: &Folder, lines: usize) -> Vec<(String, u64)> {
    let mut worker = child::command("journal::kill::worker", &journal(folder))
        .spawn()
        .expect("starts");
    let mut told = Vec::new();
    for line in child::told(worker.stdout.take().expect("piped")) {
        let (what, sequence) = line.split_once(' ').expect("what and which");
        let sequence = sequence.parse().expect("a number");
        told.push((what.to_owned(), sequence));
        if told.len() == lines {
            worker.kill().expect("kill -9");
        }
    }
    worker.wait().expect("it ends");
    assert!(told.len() >= lines, "the worker ended by itself: {told:?}");
    told
}

#[tokio::test]
async fn every_accepted_message_and_every_hand_out_outlives_kill_9() {
    let folder = Folder::new();
    let mut accepted: BTreeMap<u64, u32> = BTreeMap::new();
    let mut settled = Vec::new();
    for lines in [1, 50, 97, 203, 1001] {
        let told = killed_after(&folder, lines);
        let mut completing = None;
        for (what, sequence) in told {
            match what.as_str() {
                "accepted" => assert!(accepted.insert(sequence, 0).is_none(), "#{sequence} twice"),
                // The one in flight when the last worker was killed before its word may be unknown.
                "handed-out" => *accepted.entry(sequence).or_default() += 1,
                "completing" => completing = Some(sequence),
                "completed" => {
                    accepted.remove(&sequence);
                    settled.push(sequence);
                    completing = None;
                }
                other => panic!("{other}"),
            }
        }
        let queue = open_in(&folder);
        let found: BTreeMap<u64, u32> = queue
            .peek()
            .iter()
            .map(|one| (one.accepted.sequence, one.delivery_count))
            .collect();
        for (sequence, handed_out) in &accepted {
            match found.get(sequence) {
                Some(count) => assert!(count >= handed_out, "#{sequence}: {count} < {handed_out}"),
                None => assert_eq!(completing, Some(*sequence), "#{sequence} is lost"),
            }
        }
        for sequence in &settled {
            assert!(!found.contains_key(sequence), "#{sequence} was completed");
        }
        // From here on, what the file says: it may know one deed more than was told.
        accepted = found;
    }
    assert!(
        settled.len() > 50,
        "the workers did little: {}",
        settled.len()
    );
}
