//! Installs Azurite with npm.
//!
//! Each version of the lock file has a folder of its own: it is complete or not there, and nothing is replaced under a
//! process that uses it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::AzuriteError;

/// The folder with the version of the lock file, made if it is not there. It is made beside its place and moved there:
/// several processes may do this at once.
pub(super) async fn install(package: &Path, installed: &Path) -> Result<PathBuf, AzuriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AzuriteError::Io { path, source }
    };
    let lock = package.join("package-lock.json");
    let mut hasher = DefaultHasher::new();
    fs::read(&lock).map_err(failed(&lock))?.hash(&mut hasher);
    let home = installed.join(format!("{:016x}", hasher.finish()));
    if home.exists() {
        return Ok(home);
    }
    let beside = home.with_extension(std::process::id().to_string());
    fs::create_dir_all(&beside).map_err(failed(&beside))?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(package.join(file), beside.join(file)).map_err(failed(&package.join(file)))?;
    }
    if let Err(error) = npm_ci(&beside).await {
        fs::remove_dir_all(&beside).ok();
        return Err(error);
    }
    if fs::rename(&beside, &home).is_err() {
        // Another process was faster, with the same.
        fs::remove_dir_all(&beside).ok();
    }
    Ok(home)
}

async fn npm_ci(folder: &Path) -> Result<(), AzuriteError> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let npm = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = npm.await.map_err(|source| AzuriteError::Missing {
        program: "npm",
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(AzuriteError::Npm(said.trim().to_owned()))
}
