//! The function: keeps each session's newest cart as a blob, or has it mailed to a person.
//!
//! Every cart update that reaches the queue ends as the session's JSON file in Blob Storage, or
//! as an e-mail to a person, or stays in the queue. Never in none of them, and a file never goes
//! back to an older cart.
//!
//! The way of one message, host to host:
//!
//! 1. [`http`] takes the Functions host's request and detaches the work from its connection.
//! 2. [`invocation`] reads the broker's [`order::Delivery`] out of it.
//! 3. [`reserve`] parses the [`order::Order`] and stores it, with [`retry`]: one attempt and three
//!    retries.
//! 4. [`store::blob`] writes it under a condition that no older order can meet.
//! 5. What cannot be stored goes to [`fallback`]; its yes completes the message, its no gives it
//!    back.
//!
//! Imports point only to a lower layer:
//!
//! | layer | modules |
//! |---|---|
//! | 6 | `main` |
//! | 5 | [`http`], [`check`], [`function`] |
//! | 4 | [`invocation`], [`config`], [`telemetry`] |
//! | 3 | [`reserve`], [`store::azure`], [`fallback::logic_app`] |
//! | 2 | [`fallback`], [`store::blob`] |
//! | 1 | [`store`], [`store::stored`], [`progress`] |
//! | 0 | [`order`], [`retry`] |

#![cfg_attr(
    not(test),
    forbid(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![warn(missing_docs)]

/// What its settings, errors and clients are made of: for the operator's tool, which is built on
/// this library and starts as its programs do.
pub use azure_app;

pub mod check;
pub mod config;
pub mod fallback;
pub mod function;
pub mod http;
pub mod invocation;
pub mod order;
pub mod progress;
pub mod reserve;
pub mod retry;
pub mod store;
pub mod telemetry;
