//! Blobs in a folder, and a process that is really killed (SIGKILL) while it writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use devstack::blob::BlobStorage;

use crate::blob_disk::{open, put};
use crate::fixture::Folder;

/// The variable that tells [`writer`] where to write.
const FOLDER: &str = "BLOB_DISK_PROCESS_FOLDER";

/// Not a test: the process under test. Writes until it is killed, and says what was taken.
#[test]
#[ignore = "run by the test below"]
fn writer() {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let storage = BlobStorage::open(&PathBuf::from(folder)).expect("opens");
    storage.create_container("orders").ok();
    let body = "x".repeat(64);
    for number in 0_u64.. {
        let name = ["a", "b"][usize::from(number % 2 == 1)];
        let blob = put(&storage, name, &format!("{number}{body}"));
        writeln!(std::io::stdout(), "taken {name} {number} {}", blob.etag).expect("a reader");
    }
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let folder = Folder::new();
    for round in 0..8_usize {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "blob_disk_process::writer",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path().join("blobs"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let taken = |line: String| -> Option<(String, u64)> {
            let words: Vec<&str> = line.split(' ').collect();
            let at = words.iter().position(|word| *word == "taken")?;
            Some((
                words.get(at + 1)?.to_string(),
                words.get(at + 2)?.parse().ok()?,
            ))
        };
        // Somewhere in the midst of it, and elsewhere each time.
        let first: Vec<_> = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(taken)
            .take(40 + 7 * round)
            .collect();
        assert_eq!(first.len(), 40 + 7 * round, "it writes");
        process.kill().unwrap();
        process.wait().unwrap();
        let rest = lines.map_while(Result::ok).filter_map(taken);
        let all: Vec<_> = first.into_iter().chain(rest).collect();
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
