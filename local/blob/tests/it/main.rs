//! The embedded Blob Storage: the tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod blob;
mod blob_client;
mod blob_disk;
mod blob_disk_hands;
mod blob_disk_kills;
mod blob_disk_model;
mod blob_disk_process;
mod blob_faults;
mod blob_history;
mod blob_lists;
mod blob_refusals;
