//! `cargo local`: the commands, and what they share.

mod azurite;
mod build;
pub(crate) mod cli;
mod interrupt;
mod load;
mod operator;
mod other_host;
mod run_folder;
mod screen;
mod start;
mod summary;
mod tell;

use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::load::LoadError;
use blob::AzuriteError;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use dashboard::operator::OperatorError;
use stack::StackError;
use stack::chaos::ChaosError;
use stack::func::FuncError;
use stack::running::{ClaimError, NotFound};

use cli::{Cli, Command, StartOptions};

/// Where the stack keeps what survives it, in the app's folder: out of version control.
const FOLDER: &str = ".local";

/// Why `cargo local` ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error("no host.json here or above; name its folder with --root")]
    NoRoot,
    #[error(
        "options other than --root are for the start of the stack; a command comes without them"
    )]
    Options,
    #[error("cannot run cargo build: {0}")]
    Cargo(io::Error),
    #[error(transparent)]
    Chaos(#[from] ChaosError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Func(#[from] FuncError),
    #[error(
        "the Functions host keeps its leases in AzureWebJobsStorage, for which Azurite is started: {0}; or let \
         AzureWebJobsStorage in local.settings.json lead to a storage account"
    )]
    HostStorage(AzuriteError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error(transparent)]
    Operator(#[from] OperatorError),
    #[error(transparent)]
    Azurite(#[from] AzuriteError),
    #[error(
        "--azurite: OrdersStorage in local.settings.json leads to another machine; expected UseDevelopmentStorage=true"
    )]
    StorageElsewhere,
    #[error(
        "local.settings.json: Values.PETSTORE_PORT: `{0}` is no port; expected a number from 1 to 65535"
    )]
    PetstorePort(String),
    #[error("cannot watch the sources: {0}")]
    Watch(#[from] notify::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{what}: {source}")]
    Files { what: String, source: io::Error },
}

/// Does what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, LocalError> {
    if let Some(Command::Completions { shell }) = cli.command {
        // Wherever one is.
        return Ok(completions(shell));
    }
    let root = match cli.root {
        Some(root) => root,
        None => nearest_root().ok_or(LocalError::NoRoot)?,
    };
    if cli.command.is_some() && cli.options != StartOptions::default() {
        return Err(LocalError::Options);
    }
    match cli.command {
        None => start::run(root, cli.options).await,
        Some(Command::Reset) => run_folder::reset(&root),
        Some(Command::DeadLetters(it)) => operator::dead_letters(&root, it.arguments).await,
        Some(Command::Redrive(it)) => operator::redrive(&root, it.arguments).await,
        Some(Command::Completions { shell }) => Ok(completions(shell)),
        Some(Command::Chaos(options)) => load::chaos(&root, options).await,
        Some(Command::Load(options)) => load::load(&root, *options).await,
    }
}

/// For the program's own name: shells do not look behind `cargo`.
fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "order-items-local", &mut script);
    // A closed output, as in `… | head`, is no failure.
    io::stdout().write_all(&script).ok();
    ExitCode::SUCCESS
}

fn nearest_root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| folder.join("host.json").is_file())
        .map(Path::to_owned)
}
