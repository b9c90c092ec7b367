//! The command line of `cargo local`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use devstack::stack::Ports;

/// Builds the function and runs it with everything it needs on this machine: queue, Functions host, blobs, Logic App.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local")]
pub(crate) struct Cli {
    /// Where the parts listen
    #[arg(long, value_enum, default_value_t)]
    pub(crate) ports: PortChoice,
    /// Start the handler as it was built last
    #[arg(long)]
    pub(crate) no_build: bool,
    /// The folder of host.json [default: the nearest one above the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Show every line the handler writes
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Value of `--ports`.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum PortChoice {
    /// Where local.settings.json points
    #[default]
    Settings,
    /// On free ports; the handler's settings follow
    Auto,
}

impl From<PortChoice> for Ports {
    fn from(choice: PortChoice) -> Self {
        match choice {
            PortChoice::Settings => Self::FromSettings,
            PortChoice::Auto => Self::Auto,
        }
    }
}
