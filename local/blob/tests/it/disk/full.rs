//! A disk that takes no more: writes are refused, and what was accepted is whole.
#![cfg(unix)]

use blob::{BlobStorage, Conditions, StorageError, Upload};
use testkit::child;
use testkit::fixture::Folder;

use super::{open, put};

/// Runs under a limit for the size of a file, as on a full disk. Only the log grows to it.
#[test]
#[ignore = "the child of the test below"]
fn filler() {
    let Some(folder) = child::place() else {
        return;
    };
    let storage = BlobStorage::open(&folder).expect("opens");
    storage.create_container("orders").expect("there is room");
    let mut accepted = 0;
    // The name stands in the line: a shorter one may still fit where a longer one did not.
    for length in [300, 100, 1] {
        loop {
            let name = format!("{accepted:0length$}");
            let upload = Upload::default();
            match storage.put("orders", &name, upload, &Conditions::default()) {
                Ok(_) => accepted += 1,
                Err(StorageError::NotKept(_)) => {
                    assert_eq!(storage.blob("orders", &name), None, "nothing is changed");
                    break;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert_eq!(storage.writes_len(), accepted);
    child::tell(&accepted.to_string());
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = Folder::new();
    // Without the trap the system ends a process that writes beyond the limit.
    let limit = "trap '' XFSZ; ulimit -f 20";
    let place = folder.path().join("blobs");
    let mut filler = child::limited(limit, "disk::full::filler", &place);
    let filler = filler.output().expect("runs");
    assert!(filler.status.success(), "{filler:?}");
    let told = child::told(&*filler.stdout).next().expect("told");
    let accepted: usize = told.parse().expect("a number");
    assert!(accepted > 3, "{accepted}");
    let log = std::fs::read(place.join("writes.jsonl")).expect("a log");
    assert_eq!(log.last(), Some(&b'\n'), "nothing is torn");
    let storage = open(&folder);
    let files = std::fs::read_dir(place.join("orders")).expect("a folder");
    assert_eq!(files.count(), accepted);
    put(&storage, "there is room again", "{}");
}
