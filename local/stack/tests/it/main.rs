//! `cargo local`: the tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod commands;
mod dashboard;
mod running;
mod stack;
mod storefront;
mod way;
