//! Blobs in a folder: plain files, and the same account after each start.

mod by_hand;
mod full;
mod kills;
mod model;
mod process;

use std::collections::BTreeMap;
use std::path::Path;

use blob::{Blob, BlobStorage, Conditions, OpenError, StorageError, Upload};
use testkit::fixture::Folder;

pub(crate) fn open(folder: &Folder) -> BlobStorage {
    BlobStorage::open(&folder.path().join("blobs")).expect("opens")
}

pub(crate) fn upload(text: &str) -> Upload {
    Upload {
        bytes: text.to_owned().into(),
        metadata: BTreeMap::from([("sequence".to_owned(), text.len().to_string())]),
        content_type: "application/json".to_owned(),
    }
}

pub(crate) fn put(storage: &BlobStorage, name: &str, text: &str) -> Blob {
    storage
        .put("orders", name, upload(text), &Conditions::default())
        .expect("taken")
}

fn log(folder: &Folder) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.path().join("blobs/writes.jsonl")).expect("a log");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_blob_is_a_plain_file_and_its_line_says_the_rest() {
    let folder = Folder::new();
    let storage = open(&folder);
    storage.create_container("orders").unwrap();
    let name = "E7DBA502A3B795953DDE76EA965EBBF3.json";
    let blob = put(&storage, name, "{\"id\": \"ü\"}\n");
    let file = std::fs::read(folder.path().join("blobs/orders").join(name)).expect("a file");
    assert_eq!(file, blob.bytes);
    let line = log(&folder).pop().expect("a line");
    assert_eq!(line["op"], "write");
    assert_eq!(line["container"], "orders");
    assert_eq!(line["name"], name);
    assert_eq!(line["etag"], blob.etag);
    assert_eq!(line["contentType"], "application/json");
    assert_eq!(line["metadata"]["sequence"], "13");
    assert_eq!(line["length"], 13);
    let sha256 = "6b5224ebbcff5d3be9a4e31ab804be1bf3fec9b13b065a762edaef9f541f42f9";
    assert_eq!(line["sha256"], sha256);
    assert_eq!(storage.writes()[0].sha256, sha256);
}

#[test]
fn after_a_start_everything_is_as_it_was_and_no_etag_comes_again() {
    let folder = Folder::new();
    let storage = open(&folder);
    storage.create_container("orders").unwrap();
    put(&storage, "a", "first");
    let second = put(&storage, "a", "second");
    let last = put(&storage, "b", "of another");
    drop(storage);

    let storage = open(&folder);
    assert_eq!(storage.blob("orders", "a"), Some(second.clone()));
    assert_eq!(storage.blob("orders", "b"), Some(last.clone()));
    assert_eq!(storage.writes(), [], "of this run");
    let log = log(&folder);
    assert_eq!(log.len(), 4, "one line per blob is left: {log:?}");
    let exists = storage.create_container("orders");
    assert_eq!(exists, Err(StorageError::ContainerAlreadyExists));

    let third = put(&storage, "a", "third");
    let number =
        |blob: &Blob| i128::from_str_radix(&blob.etag[3..blob.etag.len() - 1], 16).unwrap();
    assert!(number(&third) > number(&last));
    let if_second = Conditions {
        if_match: Some(blob::ETagCondition::parse(&second.etag)),
        ..Conditions::default()
    };
    let late = storage.put("orders", "a", upload("late"), &if_second);
    assert_eq!(late, Err(StorageError::ConditionNotMet));
    let writes: Vec<_> = storage
        .writes()
        .into_iter()
        .map(|write| write.etag)
        .collect();
    assert_eq!(writes, [third.etag]);
}

#[test]
fn etags_do_not_come_again_when_the_clock_was_set_back() {
    let folder = Folder::new();
    open(&folder).create_container("orders").unwrap();
    let log = folder.path().join("blobs/writes.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    // As if what is deleted by now had been written by a clock far ahead of this one.
    let ahead = text.lines().skip(1).fold(
        "{\"op\":\"start\",\"etag\":\"\\\"0x7FFFFFFFFFFFFF\\\"\"}\n".to_owned(),
        |text, line| text + line + "\n",
    );
    std::fs::write(&log, ahead).unwrap();
    let blob = put(&open(&folder), "a", "1");
    assert_eq!(blob.etag, "\"0x80000000000000\"");
    let blob = put(&open(&folder), "a", "2");
    assert_eq!(blob.etag, "\"0x80000000000001\"");
}

#[test]
fn no_name_leaves_the_folder_and_each_comes_back() {
    let folder = Folder::new();
    let storage = open(&folder);
    storage.create_container("orders").unwrap();
    let long = "x".repeat(1_024);
    let names = [
        "../../out",
        "/etc/passwd",
        "..",
        "a\\b",
        "C:\\a",
        "nul\0",
        "dot.",
        "A.json",
        "a.json",
        "a/b",
        "a%2Fb",
        "ä",
        &long,
    ];
    for name in names {
        put(&storage, name, name);
    }
    drop(storage);
    let files = files(folder.path());
    let orders = folder.path().join("blobs/orders");
    let inside = files
        .iter()
        .filter(|file| file.parent() == Some(orders.as_path()));
    assert_eq!(inside.count(), names.len(), "{files:?}");
    // The log, the lock and the draft.
    assert_eq!(files.len(), names.len() + 3, "{files:?}");
    let storage = open(&folder);
    for name in names {
        assert_eq!(storage.blob("orders", name).expect(name).bytes, name);
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_by_name() {
    let folder = Folder::new();
    let blobs = folder.path().join("blobs");
    std::fs::write(&blobs, "a file").unwrap();
    let error = BlobStorage::open(&blobs).expect_err("no folder");
    assert!(
        error.to_string().contains(&*blobs.to_string_lossy()),
        "{error}"
    );

    std::fs::remove_file(&blobs).unwrap();
    let first = open(&folder);
    let error = BlobStorage::open(&blobs).expect_err("in use");
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    drop(first);
    open(&folder);
}
