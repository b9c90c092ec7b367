//! `cargo local`: build the handler, start the stack, tell what happens until it is asked to end.

pub(crate) mod cli;
mod interrupt;
mod report;
mod summary;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use devstack::app::Settings;
use devstack::host::Event;
use devstack::mail::{Mail, MailService, Outbox};
use devstack::stack::{Stack, StackError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use cli::Cli;
use report::Report;

/// The package whose binary is the handler.
const HANDLER: &str = "order-items-reserver";

/// Where mails are kept as files, in the app's folder: out of version control.
const OUTBOX: &str = ".local/outbox";

/// Why `cargo local` ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error("no host.json here or above; name its folder with --root")]
    NoRoot,
    #[error("cannot run cargo build: {0}")]
    Cargo(io::Error),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
}

/// Runs until it is interrupted (success) or the host gives up.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, LocalError> {
    let root = match cli.root {
        Some(root) => root,
        None => nearest_root().ok_or(LocalError::NoRoot)?,
    };
    if !cli.no_build
        && let Some(failed) = build(&root)?
    {
        return Ok(failed);
    }
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let outbox = Outbox::in_folder(root.join(OUTBOX));
    let mut stack = Stack::start_with(&root, cli.ports.into(), Settings::new(), outbox).await?;
    let report = Report {
        verbose: cli.verbose,
        dead_letters_url: summary::dead_letters_url(&stack),
    };
    // A closed output, as in `cargo local | head`, ends the stack like an interrupt does.
    let end = match print(&summary::of(&stack)) {
        Ok(()) => tokio::select! {
            () = interrupted => ExitCode::SUCCESS,
            end = tell(&mut stack, &report) => end.unwrap_or(ExitCode::SUCCESS),
        },
        Err(_) => ExitCode::SUCCESS,
    };
    stack.stop().await;
    Ok(end)
}

/// Prints what happens until the host gives up.
async fn tell(stack: &mut Stack, report: &Report) -> io::Result<ExitCode> {
    let mut events = stack.host.events();
    let mut mails = stack.mail.as_ref().map(MailService::arrivals);
    loop {
        tokio::select! {
            Some(mail) = next(&mut mails) => print(&report::mail(&mail))?,
            Some(hint) = stack.hints.recv() => print(&format!("hint: {hint}"))?,
            event = events.recv() => match event {
                Ok(event) => {
                    if let Some(line) = report.line(&event) {
                        print(&line)?;
                    }
                    if matches!(event, Event::HostStopped { .. }) {
                        return Ok(ExitCode::FAILURE);
                    }
                }
                Err(RecvError::Lagged(missed)) => print(&format!("warning: {missed} events are not shown"))?,
                Err(RecvError::Closed) => return Ok(ExitCode::FAILURE),
            },
        }
    }
}

/// The next mail; nothing when mails were missed, or when there never will be one.
async fn next(mails: &mut Option<Receiver<Arc<Mail>>>) -> Option<Arc<Mail>> {
    match mails {
        Some(mails) => mails.recv().await.ok(),
        None => None,
    }
}

fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn nearest_root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| folder.join("host.json").is_file())
        .map(Path::to_owned)
}

/// Builds the handler; the exit code of cargo when that fails.
///
/// What `cargo run` says of this package to its program is not passed on: build scripts would
/// take it for a change, and build their crates anew each time.
fn build(root: &Path) -> Result<Option<ExitCode>, LocalError> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--package", HANDLER])
        .current_dir(root);
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().map_err(LocalError::Cargo)?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from);
    Ok((!status.success()).then_some(code))
}
