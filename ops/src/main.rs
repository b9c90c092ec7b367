//! Arguments, settings, one command, an exit code.

mod command_error;
mod commands;
mod inspect;
mod orders_command;
mod redrive_command;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use order_items_ops::cli::Cli;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_warnings();
    match Box::pin(commands::run(cli)).await {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

/// What the reservation warns of goes between the lines of progress. Nothing of the SDK, whose
/// errors may quote a signed URL.
fn log_warnings() {
    let ours = Targets::new()
        .with_target("order_items_reserver", LevelFilter::WARN)
        .with_target("azure_app", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}
