//! `--check`: are the settings right, and does the bus answer? Sends nothing.

use std::process::ExitCode;

use azure_app::program::exit;

use crate::bus::Bus;

/// Reports on standard output; 0 when all is well.
pub async fn run(bus: &Bus) -> ExitCode {
    println!("settings  ok");
    match bus.reach().await {
        Ok(finding) => {
            println!("bus       ok: {finding}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("bus       FAILED: {problem}");
            ExitCode::from(exit::UNAVAILABLE)
        }
    }
}
