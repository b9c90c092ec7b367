//! Packages of npm and PyPI that tests need: installed by the first test that asks for them.
//!
//! Each version of a manifest has a folder of its own below cargo's target folder.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder below `name` where `fill` has installed what the manifests in `from` say.
pub(crate) fn installed(
    name: &str,
    from: &Path,
    manifests: &[&str],
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let said = |error: std::io::Error| error.to_string();
    let mut hasher = DefaultHasher::new();
    for manifest in manifests {
        let text = fs::read(from.join(manifest)).map_err(said)?;
        text.hash(&mut hasher);
    }
    // A virtual environment knows its own path, so that nothing is moved here when it is whole:
    // it is marked.
    let home = crate::target()
        .join(name)
        .join(format!("{:016x}", hasher.finish()));
    fs::create_dir_all(&home).map_err(said)?;
    // Other test binaries may want the same; whoever was killed half-way is followed by another.
    let lock = fs::File::create(home.join("lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    let whole = home.join("whole");
    if !whole.exists() {
        for manifest in manifests {
            fs::copy(from.join(manifest), home.join(manifest)).map_err(said)?;
        }
        fill(&home)?;
        fs::write(whole, "").map_err(said)?;
    }
    Ok(home)
}

/// What the lock file says and nothing else, without anybody's install scripts.
pub(crate) fn npm_ci(home: &Path) -> Result<(), String> {
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(home))
}

pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let told = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(()).ok_or_else(told)
}
