//! The queue and its two doors: the tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod amqp;
mod door;
mod door_receive;
mod journal;
mod journal_file;
mod journal_full;
mod journal_kill;
mod journal_properties;
mod queue;
mod sessions;
