//! Microsoft's own clients of Service Bus, unmodified: installed by the first test that needs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tokio::process::Command as AsyncCommand;

use crate::packages::{installed, npm_ci, run};

/// Where a client's packages are.
#[derive(Debug)]
pub enum Client {
    /// `azure-servicebus`, in a virtual environment.
    Python(PathBuf),
    /// `@azure/service-bus`.
    Node(PathBuf),
}

/// The Python client; `None` where it cannot be had, after saying so.
pub fn python() -> Option<Client> {
    let installed = installed("clients", &here(), &["requirements.txt"], |home| {
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

/// The Node client; `None` where it cannot be had, after saying so.
pub fn node() -> Option<Client> {
    let manifests = ["package.json", "package-lock.json"];
    let installed = installed("clients", &here(), &manifests, npm_ci);
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

fn found(installed: Result<PathBuf, String>, needs: &str) -> Option<PathBuf> {
    match installed {
        Ok(home) => Some(home),
        Err(problem) => {
            crate::skipped(
                "one of Microsoft's clients against the AMQP door",
                &problem,
                needs,
            );
            None
        }
    }
}
