//! `cargo local` begins here: builds the stack beside what it runs, and becomes it.
//!
//! Cargo chooses the features of a crate by the packages that it is asked for together. The stack
//! alone, which is all that `cargo run` can name, and the programs after it would be two choices:
//! tokio, reqwest, axum and what builds upon them twice, a fifth of a first start. `cargo build` can
//! name them all, and still build only one of them.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, io};

/// Those of `local/stack/src/commands/build.rs`, which builds the others when they are needed.
const PACKAGES: [&str; 4] = [
    "stack",
    "order-items-reserver",
    "petstore",
    "order-items-ops",
];

/// The stack's.
const PROGRAM: &str = "order-items-local";

fn main() -> ExitCode {
    let started = built().and_then(|code| match code {
        Some(failed) => Ok(failed),
        None => become_the_stack(),
    });
    started.unwrap_or_else(|error| {
        eprintln!("error: cannot start the local stack: {error}");
        ExitCode::FAILURE
    })
}

/// The exit code of cargo when it fails.
fn built() -> io::Result<Option<ExitCode>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--bin", PROGRAM, "--manifest-path"]);
    cargo.arg(manifest);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = without_this_package(&mut cargo).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let code = code.map_or(ExitCode::FAILURE, ExitCode::from);
    Ok((!status.success()).then_some(code))
}

/// Beside this program, in the folder that cargo builds to.
fn become_the_stack() -> io::Result<ExitCode> {
    let program = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let mut stack = Command::new(env::current_exe()?.with_file_name(program));
    replaced_by(without_this_package(stack.args(env::args_os().skip(1))))
}

/// What `cargo run` says of this package is not passed on: build scripts would take it for a change,
/// and build their crates anew each time.
fn without_this_package(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Under the same process id, so that a signal meets the stack.
#[cfg(unix)]
fn replaced_by(stack: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(stack.exec())
}

#[cfg(not(unix))]
fn replaced_by(stack: &mut Command) -> io::Result<ExitCode> {
    let code = stack.status()?.code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
