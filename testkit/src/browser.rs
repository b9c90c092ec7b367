//! Chromium, and the packages that drive it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::{installed, npm_ci};

const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// What a test of pages needs.
#[derive(Debug)]
pub struct Browser {
    /// Chromium.
    pub program: String,
    /// Node's packages.
    pub modules: PathBuf,
}

/// Both, with the packages of the lock file in `folder`; `None` where they cannot be had, after
/// saying so.
pub fn found(folder: &Path) -> Option<Browser> {
    match (program(), modules(folder)) {
        (Ok(program), Ok(modules)) => Some(Browser { program, modules }),
        (Err(problem), _) | (_, Err(problem)) => {
            crate::skipped(
                "the pages in a real browser",
                &problem,
                "Node.js 20 or later with npm, and chromium (Debian: apt-get install chromium)",
            );
            None
        }
    }
}

/// Where the packages and the pictures go.
pub fn target() -> PathBuf {
    crate::target().join("pages")
}

fn program() -> Result<String, String> {
    let found = |name: &&str| {
        let look = format!("command -v {name}");
        let output = Command::new("sh").args(["-c", &look]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(path).filter(|path| !path.is_empty())
    };
    let program = BROWSERS.iter().find_map(found);
    program.ok_or_else(|| "no chromium".to_owned())
}

fn modules(folder: &Path) -> Result<PathBuf, String> {
    let manifests = ["package.json", "package-lock.json"];
    let home = installed("pages", folder, &manifests, npm_ci)?;
    Ok(home.join("node_modules"))
}
