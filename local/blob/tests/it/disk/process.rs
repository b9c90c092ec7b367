//! Blobs in a folder, and a process that is really killed (SIGKILL) while it writes.

use blob::BlobStorage;
use testkit::child;
use testkit::fixture::Folder;

use super::{open, put};

/// Not a test: the process under test. Writes until it is killed, and says what was taken.
#[test]
#[ignore = "run by the test below"]
fn writer() {
    let Some(folder) = child::place() else {
        return;
    };
    let storage = BlobStorage::open(&folder).expect("opens");
    storage.create_container("orders").ok();
    let body = "x".repeat(64);
    for number in 0_u64.. {
        let name = ["a", "b"][usize::from(number % 2 == 1)];
        put(&storage, name, &format!("{number}{body}"));
        child::tell(&format!("{name} {number}"));
    }
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let folder = Folder::new();
    for round in 0..8_usize {
        let place = folder.path().join("blobs");
        let mut process = child::command("disk::process::writer", &place)
            .spawn()
            .unwrap();
        let mut taken = child::told(process.stdout.take().unwrap()).map(|line| {
            let (name, number) = line.split_once(' ').expect("which blob, and its number");
            (name.to_owned(), number.parse::<u64>().expect("a number"))
        });
        // Somewhere in the midst of it, and elsewhere each time.
        let first: Vec<_> = taken.by_ref().take(40 + 7 * round).collect();
        assert_eq!(first.len(), 40 + 7 * round, "it writes");
        process.kill().unwrap();
        process.wait().unwrap();
        let all: Vec<_> = first.into_iter().chain(taken).collect();
        let storage = open(&folder);
        for name in ["a", "b"] {
            let answered = all.iter().rev().find(|(other, _)| other == name);
            let blob = storage.blob("orders", name).expect("a blob");
            let text = std::str::from_utf8(&blob.bytes).unwrap();
            let stored: u64 = text.trim_end_matches('x').parse().unwrap();
            let answered = answered.map_or(0, |(_, number)| *number);
            // One more may have been taken whose answer was lost.
            assert!(
                [answered, answered + 2].contains(&stored),
                "{name}: {stored}, answered {answered}"
            );
            assert_eq!(blob.metadata["sequence"], blob.bytes.len().to_string());
        }
    }
}
