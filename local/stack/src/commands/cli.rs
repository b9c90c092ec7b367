//! The command line of `cargo local`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stack::Ports;

use super::load::{ChaosOptions, LoadOptions};

/// Builds the function and runs it with everything it needs on this machine: queue, Functions host,
/// blobs, Logic App.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version)]
pub(crate) struct Cli {
    /// The folder of host.json [default: the nearest one above the current folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: StartOptions,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How to start the stack.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct StartOptions {
    /// Where the parts listen
    #[arg(long, value_enum, default_value_t)]
    pub(crate) ports: PortChoice,
    /// Start the handler as it was built last
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Show every line the handler and PetStore write
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Keep nothing: the queue, the blobs and the mails are gone in the end
    #[arg(long)]
    pub(crate) in_memory: bool,
    /// Build again when a source is saved, and start again what has changed
    #[arg(long, conflicts_with = "no_build")]
    pub(crate) watch: bool,
    /// Keep the blobs in a real Azurite instead of the endpoint built in; npm installs it
    #[arg(long)]
    pub(crate) azurite: bool,
    /// Who runs the function
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    pub(crate) host: HostChoice,
    /// The same as --host func
    #[arg(long, conflicts_with = "host")]
    pub(crate) func: bool,
    /// Leave the storefront out
    #[arg(long)]
    pub(crate) no_petstore: bool,
    /// Processes of the storefront, which share their carts: the first one where the settings say,
    /// the others on free ports [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "no_petstore", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) shops: Option<u8>,
}

/// What to do instead of starting the stack.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Forget what was kept: messages, blobs, mails, and the shoppers' carts
    Reset,
    /// Look at the dead letters of the stack that runs here: list (unless told otherwise), show N,
    /// export
    #[command(disable_help_flag = true)]
    DeadLetters(Arguments),
    /// Bring the orders of dead letters home: says what would happen; does it with --yes
    #[command(disable_help_flag = true)]
    Redrive(Arguments),
    /// Post carts to the running stack, let things go wrong, and judge what became of every cart
    Load(Box<LoadOptions>),
    /// Start a stack of its own with two handlers, let everything go wrong at once, and judge what
    /// became of every message, poison included
    Chaos(ChaosOptions),
    /// Print what makes a shell complete the words of `order-items-local`, which is this program:
    /// `order-items-local completions bash > /etc/bash_completion.d/order-items-local`
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Those of the operator's tool, `order-items-ops`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// For `order-items-ops`; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

impl StartOptions {
    pub(crate) fn host(&self) -> HostChoice {
        if self.func {
            HostChoice::Func
        } else {
            self.host
        }
    }
}

/// Value of `--host`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostChoice {
    /// A host built in, which imitates the real one
    #[default]
    Local,
    /// The real one: `func start` of Core Tools, from the PATH
    Func,
    /// You: the settings are printed, and any host may take the messages
    None,
}

/// Value of `--ports`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
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

#[cfg(test)]
mod tests;
