//! What must hold for every input, however odd: one module for each fuzz target of `fuzz/`.
//!
//! Each `check` panics when it finds something wrong. `cargo fuzz` looks for an input that makes it
//! panic; the test beside it replays the committed corpus with the same checks, on every `cargo
//! test`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how an oracle speaks"
)]

pub mod amqp;
pub mod batch;
pub mod blob_name;
pub mod connection_string;
pub mod door;
pub mod invocation;
pub mod order;
pub mod workflow;

/// One input of a target.
pub type Check = fn(&[u8]);

/// Every target: its name, which is that of its corpus too, and its check.
pub const TARGETS: [(&str, Check); 8] = [
    ("invocation", invocation::check),
    ("batch", batch::check),
    ("order", order::check),
    ("blob_name", blob_name::check),
    ("connection_string", connection_string::check),
    ("workflow", workflow::check),
    ("door", door::check),
    ("amqp", amqp::check),
];
