//! The bare `cargo local`: build the handler, start the stack, tell what happens until it is asked to end.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use devstack::app::Settings;
use devstack::host::Event;
use devstack::mail::{Mail, MailService};
use devstack::stack::{Keep, Stack, StackOptions};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::cli::Options;
use super::report::{self, Report};
use super::{FOLDER, LocalError, interrupt, summary};

/// The package whose binary is the handler.
const HANDLER: &str = "order-items-reserver";

/// Runs until it is interrupted (success) or the host gives up.
pub(crate) async fn run(root: PathBuf, options: Options) -> Result<ExitCode, LocalError> {
    if !options.no_build
        && let Some(failed) = build(&root)?
    {
        return Ok(failed);
    }
    let interrupted = interrupt::listen().map_err(LocalError::Signals)?;
    let keep = Keep::InFolder(root.join(FOLDER));
    let mut stack = Stack::start_with(StackOptions {
        root,
        ports: options.ports.into(),
        overrides: Settings::new(),
        keep,
    })
    .await?;
    let report = Report {
        verbose: options.verbose,
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
