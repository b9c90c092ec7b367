//! The operator's tool, `order-items-ops`, run as a process of its own on the queue and the storage
//! of this stack.
//!
//! A redrive is the function's own reservation, which the tool has and this crate has not.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;

use host::app::Settings;
use stand_in::programs;
use tokio::process::Command;

const PROGRAM: &str = "order-items-ops";

/// What an environment could say against the settings; with both, letters of a laptop could end in
/// production.
const SETTINGS_OF_OTHERS: [&str; 7] = [
    "ServiceBusConnection",
    "OrdersStorage",
    "ORDERS_",
    "FALLBACK_",
    "UPLOAD_",
    "IDENTITY_",
    "MSI_",
];

/// Exit code of a run in which some letters stay.
const INCOMPLETE: i32 = 1;

/// The tool, and the settings it gets.
#[derive(Debug, Clone)]
pub struct Operator {
    program: PathBuf,
    settings: Settings,
}

/// What a redrive came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redriven {
    /// Whether every letter is settled; the lines say why one is not.
    pub complete: bool,
    /// What the tool said.
    pub lines: Vec<String>,
}

/// The tool could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("cannot run {}: {source}; `cargo build --package {PROGRAM}` makes it", program.display())]
    NotStarted {
        program: PathBuf,
        source: std::io::Error,
    },
    /// Its own lines.
    #[error("{}", .0.join("\n"))]
    Failed(Vec<String>),
}

impl Operator {
    /// For the app with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            program: programs::beside_this(PROGRAM),
            settings: settings.clone(),
        }
    }

    /// The tool with `arguments`, to be started.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        programs::forget(&mut command, &SETTINGS_OF_OTHERS);
        command.envs(&self.settings).args(arguments);
        command
    }

    /// Runs `arguments` and waits for the end.
    ///
    /// # Errors
    /// [`OperatorError::NotStarted`].
    pub async fn run(
        &self,
        mut command: Command,
    ) -> Result<std::process::ExitStatus, OperatorError> {
        command
            .status()
            .await
            .map_err(|error| self.not_started(error))
    }

    /// Redrives one dead letter, or all.
    ///
    /// # Errors
    /// When the tool cannot do its work; letters that stay where they are are no error.
    pub async fn redrive(&self, sequence: Option<u64>) -> Result<Redriven, OperatorError> {
        let mut arguments = ["--wait", "0", "dead-letters", "redrive", "--yes"]
            .map(str::to_owned)
            .to_vec();
        if let Some(sequence) = sequence {
            arguments.extend(["--sequence".to_owned(), sequence.to_string()]);
        }
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command
            .output()
            .await
            .map_err(|error| self.not_started(error))?;
        let text = [output.stderr, output.stdout].concat();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().map(str::to_owned).collect();
        match output.status.code() {
            Some(code @ (0 | INCOMPLETE)) => Ok(Redriven {
                complete: code == 0,
                lines,
            }),
            _ => Err(OperatorError::Failed(lines)),
        }
    }

    fn not_started(&self, source: std::io::Error) -> OperatorError {
        OperatorError::NotStarted {
            program: self.program.clone(),
            source,
        }
    }
}
