//! `cargo local`: the whole pipeline on a laptop.

mod local;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    local::run(local::cli::Cli::parse())
        .await
        .unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        })
}
