//! `cargo local`: the whole pipeline on a laptop.

mod commands;

use std::process::ExitCode;

use clap::Parser;

// One worker for all parts, beside the thread that writes to the terminal, which may stand still: a
// message goes from part to part, and two workers wake each other at each step, which costs more
// than the steps. The function, the storefront and the load are processes of their own.
#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    commands::run(commands::cli::Cli::parse())
        .await
        .unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        })
}
