//! Microsoft's own clients of Service Bus, unmodified: installed by the first test that needs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as AsyncCommand};
use tokio::time::timeout;

use crate::packages::{installed, npm_ci, run};

/// A safety net, never an expectation.
const STEP_LIMIT: Duration = Duration::from_secs(120);

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
    /// One of its scripts, by the name that both languages have for it.
    fn script(&self, name: &str) -> AsyncCommand {
        match self {
            Self::Python(home) => {
                let mut command = AsyncCommand::new(home.join("venv/bin/python"));
                command.arg(here().join(format!("{name}.py")));
                command
            }
            Self::Node(home) => {
                let mut command = AsyncCommand::new("node");
                command
                    .arg(here().join(format!("{name}.js")))
                    .arg(home.join("node_modules"));
                command
            }
        }
    }

    /// A client that receives, step by step.
    pub fn receive(&self, connection: &str) -> Receiving {
        let mut child = self
            .script("receive")
            .arg(connection)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        Receiving {
            commands: child.stdin.take().expect("piped"),
            answers: BufReader::new(child.stdout.take().expect("piped")).lines(),
            _child: child,
        }
    }

    /// Runs its script and returns what it printed.
    pub async fn send(&self, arguments: &[&str]) -> serde_json::Value {
        let mut command = self.script("send");
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

/// A running client that does what it is told.
#[derive(Debug)]
pub struct Receiving {
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Receiving {
    /// Has it do a step; what came of it, or what its library said.
    pub async fn ask(&mut self, step: serde_json::Value) -> Result<serde_json::Value, String> {
        let line = format!("{step}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
        let answer = self.answers.next_line();
        let answer = timeout(STEP_LIMIT, answer)
            .await
            .expect("an answer in time");
        let answer = answer.unwrap().expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// The same for a step that has to work.
    pub async fn told(&mut self, step: serde_json::Value) -> serde_json::Value {
        let shown = step.to_string();
        let answer = self.ask(step).await;
        answer.unwrap_or_else(|error| panic!("{shown}: {error}"))
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
