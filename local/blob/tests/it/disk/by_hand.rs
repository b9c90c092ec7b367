//! What people do to the folder by hand: to a file, it counts as what somebody did to the blob; to
//! the log, it is named.

use blob::{BlobStorage, OpenError};

use super::kills::Killed;
use super::put;

#[test]
fn a_file_changed_by_hand_is_a_blob_that_somebody_else_wrote() {
    let killed = Killed::after_the_write();
    std::fs::write(killed.file(), "edited").unwrap();
    let blob = killed.open().blob("orders", "a").expect("a blob");
    assert_eq!((&*blob.bytes, blob.metadata.len()), (&b"edited"[..], 0));
    assert_ne!(blob.etag, killed.second.etag);
    killed.starts_with(Some(&blob));
    let killed = Killed::after_the_write();
    std::fs::remove_file(killed.file()).unwrap();
    killed.starts_with(None);
}

#[test]
fn folders_that_somebody_tidied_away_are_made_again() {
    let killed = Killed::after_the_write();
    let storage = killed.open();
    for folder in ["orders", ".new"] {
        std::fs::remove_dir_all(killed.path(folder)).unwrap();
        put(&storage, "b", folder);
    }
    let blob = put(&storage, "a", "again");
    drop(storage);
    killed.starts_with(Some(&blob));
}

#[test]
fn a_damaged_line_is_named() {
    let write = r#"{"op":"write","container":"none","name":"a","file":"a","etag":"\"0x1\"","at":"2026-05-04T09:30:10Z","contentType":"","metadata":{},"length":0,"sha256":""}"#;
    let outside = write
        .replace("\"none\"", "\"orders\"")
        .replace("\"file\":\"a\"", "\"file\":\"../../a\"");
    for line in ["x", "{}", write, &outside] {
        let killed = Killed::after_the_write();
        let text = std::fs::read_to_string(killed.log()).unwrap();
        std::fs::write(killed.log(), format!("{text}{line}\n")).unwrap();
        let error = BlobStorage::open(&killed.path("")).expect_err(line);
        assert!(matches!(error, OpenError::Line { line: 5, .. }), "{error}");
    }
}
