//! The operator's tool against the local stack's parts, and against a scripted queue.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod connections;
mod crowd;
mod dry_run;
mod kills;
mod letters;
mod looks;
mod orders;
mod outages;
mod positions;
mod programs;
mod scripted;
mod settings;
mod stage;
mod wire;
