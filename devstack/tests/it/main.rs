//! The local stack's tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod app;
mod blob;
mod blob_client;
mod blob_faults;
mod blob_lists;
mod blob_refusals;
mod dashboard;
mod door;
mod door_receive;
mod fixture;
mod host;
mod invocation;
mod logic_app;
mod logic_app_workflow;
mod mail;
mod net;
mod process;
mod queue;
mod stack;
mod stack_mail;
mod workflow;
mod workflow_refusals;
