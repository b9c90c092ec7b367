//! `just bench`, `just instructions`, `just capacity`.

use std::process::ExitCode;

use clap::Parser as _;
use order_items_bench::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("order-items-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
