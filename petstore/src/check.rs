//! `--check`: are the settings right, and do the bus and the store answer? Changes nothing.

use std::process::ExitCode;

use azure_app::program::{exit, report};

use crate::bus::Bus;
use crate::store::azure::{AzureCarts, CONTAINER};

/// Reports on standard output; 0 when all is well. `spans` says where spans go.
pub async fn run(spans: &str, bus: &Bus, store: &AzureCarts, place: &str) -> ExitCode {
    println!("settings  ok; {spans}");
    let bus = report("bus", "ok", &bus.reach().await);
    let place = format!("container {CONTAINER} at {place}");
    let found = match store.container_exists().await {
        Ok(true) => Ok(format!("{place}; a read was tried, a write was not")),
        Ok(false) => Ok(format!("{place} is missing; the first click creates it")),
        Err(error) => Err(format!("{place}: {error}")),
    };
    if report("store", "ok", &found) && bus {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::UNAVAILABLE)
    }
}
