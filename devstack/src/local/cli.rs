//! The command line of `cargo local`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use devstack::stack::Ports;

/// Builds the function and runs it with everything it needs on this machine: queue, Functions host, blobs, Logic App.
#[derive(Debug, Parser)]
#[command(
    name = "cargo local",
    bin_name = "cargo local",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    /// The folder of host.json [default: the nearest one above the current folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How to start the stack.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the parts listen
    #[arg(long, value_enum, default_value_t)]
    pub(crate) ports: PortChoice,
    /// Start the handler as it was built last
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Show every line the handler writes
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// What to do instead of starting the stack.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Forget what was kept: the mails
    Reset,
    /// Post carts to the running stack, let things go wrong, and judge what became of every cart
    Load(Box<super::load::Options>),
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
