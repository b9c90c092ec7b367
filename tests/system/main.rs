//! The product in the local stack: the real programs, driven and judged from outside.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod chaos;
mod clients;
mod dashboard;
mod host_rules;
mod load;
mod shop;
mod shoppers;
mod stack;
