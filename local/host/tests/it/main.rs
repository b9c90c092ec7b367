//! The Functions host and the app's files: the tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod app;
mod bench;
mod captured;
mod dispatch;
mod invocation;
mod process;
mod raw;
