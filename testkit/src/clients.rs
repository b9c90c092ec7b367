//! Microsoft's own clients of Service Bus, unmodified: installed by the first test that needs them.
//!
//! Each version of a manifest has a folder of its own below `target/clients`: it is complete or not there.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tokio::process::Command as AsyncCommand;

/// Where a client's packages are.
#[derive(Debug)]
pub enum Client {
    /// `azure-servicebus`, in a virtual environment.
    Python(PathBuf),
    /// `@azure/service-bus`.
    Node(PathBuf),
}

/// The Python client; `None` where it cannot be had, after saying so. With `CI=true` that is a failure.
pub fn python() -> Option<Client> {
    let installed = install(&["requirements.txt"], |home| {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(home.join("venv")))?;
        run(Command::new(home.join("venv/bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(home.join("requirements.txt")))
    });
    found(installed, "Python 3.9 or later with venv").map(Client::Python)
}

/// The Node client; `None` where it cannot be had, after saying so. With `CI=true` that is a failure.
pub fn node() -> Option<Client> {
    let installed = install(&["package.json", "package-lock.json"], |home| {
        run(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(home))
    });
    found(installed, "Node.js 20 or later with npm").map(Client::Node)
}

/// Manifests and scripts.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

impl Client {
    /// Runs its script and returns what it printed.
    pub async fn send(&self, arguments: &[&str]) -> serde_json::Value {
        let mut command = match self {
            Self::Python(home) => {
                let mut command = AsyncCommand::new(home.join("venv/bin/python"));
                command.arg(here().join("send.py"));
                command
            }
            Self::Node(home) => {
                let mut command = AsyncCommand::new("node");
                command
                    .arg(here().join("send.js"))
                    .arg(home.join("node_modules"));
                command
            }
        };
        let command = command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().await.expect("it starts");
        let error = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{self:?}: {error}");
        serde_json::from_slice(&stdout).unwrap_or_else(|problem| panic!("{problem}: {error}"))
    }
}

fn install(
    manifest: &[&str],
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let read = |file: &&str| fs::read(here().join(file)).expect("a manifest");
    let mut hasher = DefaultHasher::new();
    manifest
        .iter()
        .map(read)
        .for_each(|text| text.hash(&mut hasher));
    let target = crate::target().join("clients");
    // A virtual environment knows its own path, so it is marked when it is whole and never moved.
    let home = target.join(format!("{:016x}", hasher.finish()));
    fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let lock = fs::File::create(home.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let whole = home.join("whole");
    if !whole.exists() {
        for file in manifest {
            fs::write(home.join(file), read(file)).map_err(|error| error.to_string())?;
        }
        fill(&home)?;
        fs::write(whole, "").map_err(|error| error.to_string())?;
    }
    Ok(home)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let told = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(()).ok_or_else(told)
}

/// Past the capture of the test harness, which hides what a passing test prints.
fn found(installed: Result<PathBuf, String>, needs: &str) -> Option<PathBuf> {
    let problem = match installed {
        Ok(home) => return Some(home),
        Err(problem) => problem,
    };
    assert!(!crate::ci(), "CI has to run Microsoft's clients: {problem}");
    writeln!(
        io::stderr(),
        "\nSKIPPED: one of Microsoft's clients against the AMQP door. {problem}\nTo run it, install {needs}.\n"
    )
    .ok();
    None
}
