//! Chromium, and the packages that drive it.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

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

/// Both, with the packages of the lock file in `folder`; when one is missing, it is said loudly.
pub fn found(folder: &Path) -> Option<Browser> {
    match (program(), modules(folder)) {
        (Ok(program), Ok(modules)) => Some(Browser { program, modules }),
        (Err(problem), _) | (_, Err(problem)) => {
            missing(&problem);
            None
        }
    }
}

/// Where the packages and the pictures go.
pub fn target() -> PathBuf {
    crate::target().join("pages")
}

fn program() -> Result<String, String> {
    let found = |name: &str| {
        let look = format!("command -v {name}");
        let output = Command::new("sh").args(["-c", &look]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(path).filter(|path| !path.is_empty())
    };
    let mut names = BROWSERS.iter();
    names
        .find_map(|name| found(name))
        .ok_or_else(|| "no chromium".to_owned())
}

/// The packages of the lock file, in a folder of its own version: complete, or not there.
fn modules(folder: &Path) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    let lock = fs::read(folder.join("package-lock.json")).map_err(|error| error.to_string())?;
    lock.hash(&mut hasher);
    let home = target().join(format!("{:016x}", hasher.finish()));
    if !home.exists() {
        let beside = home.with_extension(std::process::id().to_string());
        fs::create_dir_all(&beside).map_err(|error| error.to_string())?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder.join(file), beside.join(file)).map_err(|error| error.to_string())?;
        }
        let npm = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&beside)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("npm: {error}"))?;
        if !npm.status.success() {
            fs::remove_dir_all(&beside).ok();
            return Err(format!("npm ci: {}", String::from_utf8_lossy(&npm.stderr)));
        }
        if fs::rename(&beside, &home).is_err() {
            // Another process was faster, with the same.
            fs::remove_dir_all(&beside).ok();
        }
    }
    Ok(home.join("node_modules"))
}

/// Past the capture of the test harness, which hides what a passing test prints.
fn missing(problem: &str) {
    assert!(
        !crate::ci(),
        "CI has to show the pages in Chromium: {problem}"
    );
    writeln!(
        io::stderr(),
        "\nSKIPPED: the pages in a real browser. {problem}\n\
         To run it, install Node.js 20 or later with npm, and chromium (Debian: apt-get install chromium).\n"
    )
    .ok();
}
