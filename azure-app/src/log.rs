//! Where log lines go: each is one JSON object.
//!
//! The Functions host judges a line by where it comes from: standard output is information,
//! standard error a warning or an error. Never in a line: a body, an e-mail address, a token, a
//! signature.

use std::{io, panic};

use tracing::{Level, error};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The SDK's crates log their requests themselves, failed ones with an error that may quote a
/// signed URL. What is worth telling of a request its caller tells.
const SDK: [&str; 4] = [
    "azure_core",
    "azure_identity",
    "azure_storage_blob",
    "typespec_client_core",
];

/// Sends the lines that `filter` lets through to where the host expects them, and makes an error
/// line of every panic. Of the SDK nothing below a warning passes, whatever `filter` says.
///
/// # Panics
/// At the second call in a process.
pub fn init(filter: Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(io::stderr.with_max_level(Level::WARN).or_else(io::stdout));
    let quiet = SDK.map(|target| (target, LevelFilter::WARN));
    tracing_subscriber::registry()
        .with(filter.with_targets(quiet))
        .with(lines)
        .init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        error!(
            place,
            "panic: {}",
            info.payload_as_str().unwrap_or("no message")
        );
    }));
}
