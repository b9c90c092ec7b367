//! What a kill leaves in the folder between two steps of a write, made by hand: the next start
//! finishes or undoes it.

use std::path::PathBuf;

use blob::{Blob, BlobStorage, Conditions, StorageError};
use testkit::fixture::Folder;

use super::{open, put, upload};

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
    fn before_the_file() -> Self {
        let killed = Self::after_the_write();
        killed.drafted(&killed.second);
        std::fs::write(killed.file(), &killed.first.bytes).unwrap();
        killed
    }

    /// The draft has all of this content, and behind it some of a longer one before it.
    fn drafted(&self, blob: &Blob) {
        let mut draft = format!("+{}\n", blob.etag).into_bytes();
        draft.extend_from_slice(&blob.bytes);
        draft.extend_from_slice(b"rest");
        std::fs::write(self.draft(), draft).unwrap();
    }

    /// So many bytes of the second line are there.
    fn in_the_line(bytes: impl Fn(usize) -> usize) -> Self {
        let killed = Self::before_the_file();
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

    fn draft(&self) -> PathBuf {
        self.path(".new/draft")
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
    for length in [100, 30, 9, 1, 0] {
        let killed = Killed::in_the_line(|_| 0);
        let half = format!("+{}\nthe s", killed.second.etag);
        std::fs::write(killed.draft(), &half[..length.min(half.len())]).unwrap();
        killed.starts_with(Some(&killed.first));
    }
}

#[test]
fn a_draft_that_is_done_is_no_word_against_a_file_changed_by_hand() {
    let killed = Killed::after_the_write();
    let draft = format!("-{}\nthe second", killed.second.etag);
    assert_eq!(std::fs::read_to_string(killed.draft()).unwrap(), draft);
    std::fs::write(killed.file(), "edited").unwrap();
    let blob = killed.open().blob("orders", "a").expect("a blob");
    assert_eq!(blob.bytes, "edited");
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
    let killed = Killed::before_the_file();
    killed.starts_with(Some(&killed.second));
    // The file is written over, and its end cut off after that.
    for midst in ["the st", "the secondst", "the second"] {
        let killed = Killed::before_the_file();
        std::fs::write(killed.file(), midst).unwrap();
        killed.starts_with(Some(&killed.second));
    }
    let killed = Killed::before_the_file();
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
    std::fs::write(path(".new/draft"), format!("+{}\nonly", blob.etag)).unwrap();
    std::fs::remove_file(path("orders/a")).unwrap();
    assert_eq!(open(&folder).blob("orders", "a"), Some(blob));
}

/// Its sender was told that nobody knows, as when an answer is lost.
#[test]
fn what_cannot_be_put_into_its_place_is_put_there_by_the_next_start() {
    let killed = Killed::after_the_write();
    let storage = killed.open();
    std::fs::remove_file(killed.file()).unwrap();
    std::fs::create_dir_all(killed.file().join("in the way")).unwrap();
    let upload = upload("the third");
    let written = storage.put("orders", "a", upload, &Conditions::default());
    assert!(matches!(written, Err(StorageError::NotKept(_))));
    let third = storage.blob("orders", "a").expect("it is decided");
    assert_eq!(third.bytes, "the third");
    put(&storage, "b", "takes the draft");
    drop(storage);
    std::fs::remove_dir_all(killed.file()).unwrap();
    killed.starts_with(Some(&third));
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
