//! The storefront's tests, in one binary. Each test is named after what it holds.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod cart;
mod contract;
mod cookie;
mod crowd;
mod fences;
mod inputs;
mod model;
mod outage;
mod outbox;
mod overlap;
mod pages;
mod process;
mod publishing;
mod record;
mod schedules;
mod spans;
mod states;
mod support;
mod visit;
