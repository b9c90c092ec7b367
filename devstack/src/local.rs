//! `cargo local`: the commands, and what they share.

pub(crate) mod cli;
mod interrupt;
mod load;
mod report;
mod reset;
mod start;
mod summary;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use devstack::stack::StackError;

use cli::{Cli, Command};

/// Where the stack keeps what survives it, in the app's folder: out of version control.
const FOLDER: &str = ".local";

/// Why `cargo local` ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error("no host.json here or above; name its folder with --root")]
    NoRoot,
    #[error("cannot run cargo build: {0}")]
    Cargo(io::Error),
    #[error(transparent)]
    Load(#[from] devstack::load::LoadError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("{what}: {source}")]
    Files { what: String, source: io::Error },
}

/// Does what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, LocalError> {
    let root = match cli.root {
        Some(root) => root,
        None => nearest_root().ok_or(LocalError::NoRoot)?,
    };
    match cli.command {
        None => start::run(root, cli.options).await,
        Some(Command::Reset) => reset::run(&root),
        Some(Command::Load(options)) => load::run(&root, *options).await,
    }
}

fn nearest_root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| folder.join("host.json").is_file())
        .map(Path::to_owned)
}
