//! The local stack's tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in tests; clippy does not see that these helpers are tests too"
)]

mod amqp;
mod amqp_hostile;
mod amqp_strangers;
mod app;
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
mod child;
mod dashboard;
mod door;
mod door_receive;
mod fixture;
mod host;
mod host_bench;
mod host_request;
mod invocation;
mod journal;
mod journal_file;
mod journal_full;
mod journal_kill;
mod journal_properties;
mod local;
mod local_load;
mod local_watch;
mod logic_app;
mod logic_app_workflow;
mod mail;
mod net;
mod process;
mod queue;
mod running;
mod sessions;
mod sessions_host;
mod stack;
mod stack_mail;
mod storefront;
mod workflow;
mod workflow_refusals;
