//! The invariants of `ARCHITECTURE.md`, one test binary. Each test is named after what it holds.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod agreement;
mod batch;
mod crash;
mod hostile;
mod house;
mod invocation;
mod matrix;
mod model;
mod order;
mod pipeline;
mod places;
mod process;
mod properties;
mod shipped;
mod spans;
mod store_contract;
mod support;
mod tokens;
mod wire;
