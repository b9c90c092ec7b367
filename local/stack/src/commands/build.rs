//! `cargo build` of what the stack runs.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::LocalError;

/// The handler, the storefront, the operator's tool.
///
/// Always all three at once: cargo chooses the features of shared crates by what is built together, so another choice of
/// packages would build those crates anew.
const PACKAGES: [&str; 3] = ["order-items-reserver", "petstore", "order-items-ops"];

/// Builds; the exit code of cargo when that fails.
pub(super) fn run(root: &Path) -> Result<Option<ExitCode>, LocalError> {
    let status = command(root).status().map_err(LocalError::Cargo)?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from);
    Ok((!status.success()).then_some(code))
}

/// What `cargo run` says of this package to its program is not passed on: build scripts would
/// take it for a change, and build their crates anew each time.
pub(super) fn command(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.arg("build").current_dir(root);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}
