//! The queue and its two doors: the tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod amqp;
mod aside;
mod faults;
mod journal;
mod model;
mod queue;
mod rest;
mod sessions;
