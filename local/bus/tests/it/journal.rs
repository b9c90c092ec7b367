//! The queue on disk. Each test has a folder of its own.

mod file;
mod full;
mod kill;
mod properties;
mod restart;

use std::path::{Path, PathBuf};

use bus::{JournalError, Queue, QueueOptions};
use stand_in::Clock;
use testkit::fixture::Folder;

/// Where the journal of this folder is: in one that the queue makes.
pub(crate) fn journal(folder: &Folder) -> PathBuf {
    folder.path().join("made").join("queue.jsonl")
}

fn open(path: &Path) -> Result<Queue, JournalError> {
    Queue::open("order-items", QueueOptions::default(), Clock::new(), path)
}

/// The queue that is kept in this folder.
pub(crate) fn open_in(folder: &Folder) -> Queue {
    open(&journal(folder)).expect("opens")
}

fn text(folder: &Folder) -> String {
    std::fs::read_to_string(journal(folder)).expect("a text")
}
