//! What a kill leaves in the folder between two steps of a write, made by hand: the next start
//! finishes or undoes it.

use std::path::PathBuf;

use blob::{Blob, BlobStorage};
use testkit::fixture::Folder;

use super::{open, put};

/// A blob `a` written twice, and the folder taken back to a moment of the second write.
pub(crate) struct Killed {
    folder: Folder,
    first: Blob,
    pub(crate) second: Blob,
}

impl Killed {
    /// Everything is in place.
    pub(crate) fn after_the_write() -> Self {
        let folder = Folder::new();
        let storage = open(&folder);
        storage.create_container("orders").unwrap();
        let first = put(&storage, "a", "first");
        let second = put(&storage, "a", "the second");
        Self {
            folder,
            first,
            second,
        }
    }

    /// The line is there, the file still has the first content.
    fn before_the_rename() -> Self {
        let killed = Self::after_the_write();
        std::fs::rename(killed.file(), killed.on_its_way()).unwrap();
        std::fs::write(killed.file(), &killed.first.bytes).unwrap();
        killed
    }

    /// So many bytes of the second line are there.
    fn in_the_line(bytes: impl Fn(usize) -> usize) -> Self {
        let killed = Self::before_the_rename();
        let log = killed.log();
        let text = std::fs::read_to_string(&log).unwrap();
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        let keep = last + bytes(text.len() - last);
        std::fs::write(&log, &text[..keep]).unwrap();
        killed
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("blobs").join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("orders/a")
    }

    fn on_its_way(&self) -> PathBuf {
        self.path(".new").join(self.second.etag.trim_matches('"'))
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("writes.jsonl")
    }

    pub(crate) fn open(&self) -> BlobStorage {
        open(&self.folder)
    }

    /// Opens the folder twice, for the second start must find the same.
    pub(crate) fn starts_with(&self, expected: Option<&Blob>) {
        for _ in 0..2 {
            let storage = open(&self.folder);
            assert_eq!(storage.blob("orders", "a").as_ref(), expected);
            let on_disk = std::fs::read(self.file()).ok();
            assert_eq!(on_disk.as_deref(), expected.map(|blob| &*blob.bytes));
            let left = std::fs::read_dir(self.path(".new")).unwrap().count();
            assert_eq!(left, 0, "nothing is left on its way");
        }
        let storage = open(&self.folder);
        let again = put(&storage, "a", "again");
        drop(storage);
        assert_eq!(open(&self.folder).blob("orders", "a"), Some(again));
    }
}

#[test]
fn before_the_line_nothing_has_happened() {
    let killed = Killed::in_the_line(|_| 0);
    killed.starts_with(Some(&killed.first));
    // Also when the content was not whole yet.
    let killed = Killed::in_the_line(|_| 0);
    std::fs::write(killed.on_its_way(), "the s").unwrap();
    killed.starts_with(Some(&killed.first));
}

#[test]
fn half_a_line_is_none() {
    for cut in [1, 2, 30] {
        let killed = Killed::in_the_line(|length| length - cut);
        killed.starts_with(Some(&killed.first));
    }
    let killed = Killed::in_the_line(|_| 1);
    killed.starts_with(Some(&killed.first));
}

#[test]
fn with_the_line_it_has_happened() {
    let killed = Killed::before_the_rename();
    killed.starts_with(Some(&killed.second));
    // The old content goes before the new one comes.
    let killed = Killed::before_the_rename();
    std::fs::remove_file(killed.file()).unwrap();
    killed.starts_with(Some(&killed.second));
    let killed = Killed::after_the_write();
    killed.starts_with(Some(&killed.second));
}

#[test]
fn a_first_write_is_finished_too() {
    let folder = Folder::new();
    let storage = open(&folder);
    storage.create_container("orders").unwrap();
    let blob = put(&storage, "a", "only");
    drop(storage);
    let path = |name: &str| folder.path().join("blobs").join(name);
    std::fs::rename(
        path("orders/a"),
        path(".new").join(blob.etag.trim_matches('"')),
    )
    .unwrap();
    assert_eq!(open(&folder).blob("orders", "a"), Some(blob));
}

#[test]
fn a_delete_whose_file_is_still_there_is_finished() {
    let killed = Killed::after_the_write();
    let storage = open(&killed.folder);
    storage.delete("orders", "a", &Default::default()).unwrap();
    drop(storage);
    std::fs::write(killed.file(), &killed.second.bytes).unwrap();
    killed.starts_with(None);
}

#[test]
fn a_container_whose_files_are_still_there_is_finished() {
    let killed = Killed::after_the_write();
    let storage = open(&killed.folder);
    storage.delete_container("orders").unwrap();
    drop(storage);
    std::fs::create_dir_all(killed.path("orders")).unwrap();
    std::fs::write(killed.file(), &killed.second.bytes).unwrap();
    let storage = open(&killed.folder);
    assert!(!killed.file().exists());
    storage.create_container("orders").unwrap();
    assert_eq!(storage.blob("orders", "a"), None);
}

#[test]
fn a_log_that_was_being_summed_up_is_still_the_old_one() {
    // The first was its place in earlier versions.
    for new in [".new/writes.jsonl", "writes.jsonl.new"] {
        let killed = Killed::after_the_write();
        std::fs::write(killed.path(new), "{\"op\":\"start\"").unwrap();
        killed.starts_with(Some(&killed.second));
        assert!(!killed.path(new).exists(), "{new}");
    }
}
