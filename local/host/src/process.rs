//! The handler's process: how it is started, what it is told, and what becomes of the lines it
//! writes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::events::{Event, Events, Level};
use crate::app::FunctionApp;

/// What the handler left in its pipes is read for this long after its end; a grandchild may hold
/// them open.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A running handler. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    lines: JoinSet<()>,
}

impl Process {
    /// Starts the handler of `app`, to listen on `port`.
    pub(super) fn start(app: &FunctionApp, port: u16, events: &Events) -> io::Result<Self> {
        let description = &app.host.custom_handler.description;
        let mut command = Command::new(executable(&app.root, &description.default_executable_path));
        command
            .args(&description.arguments)
            .current_dir(&app.root)
            .envs(&app.settings)
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .env("FUNCTIONS_HTTPWORKER_PORT", port.to_string())
            .env("FUNCTIONS_APP_ROOT_PATH", &app.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let worker = Uuid::new_v4().to_string();
        command
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &worker)
            .env("FUNCTIONS_HTTPWORKER_ID", &worker);
        // Ctrl+C in a terminal goes to the whole group: here the host alone ends its handler, as in
        // Azure.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let mut lines = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            lines.spawn(forward(stdout, |_| Level::Information, events.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            let level = if description.use_std_error_stream_for_errors_only {
                error_stream
            } else {
                mixed_stream
            };
            lines.spawn(forward(stderr, level, events.clone()));
        }
        Ok(Self { child, lines })
    }

    /// Its process id, as long as it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it if it still runs (SIGKILL, no grace), and waits until its last line is forwarded.
    pub(super) async fn end(mut self) {
        // An error means that it has ended already.
        self.child.kill().await.ok();
        let drained = async { while self.lines.join_next().await.is_some() {} };
        tokio::time::timeout(LAST_LINES, drained).await.ok();
    }
}

/// A file below the app root when there is one, else a command on the PATH.
pub(super) fn executable(root: &Path, path: &str) -> PathBuf {
    let file = root.join(path);
    if file.is_file() {
        file
    } else {
        PathBuf::from(path)
    }
}

async fn forward(stream: impl AsyncRead + Unpin, level: fn(&str) -> Level, events: Events) {
    // Split at the byte, not `lines()`: that one ends at the first invalid UTF-8.
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches('\r')
            .to_owned();
        events.emit(Event::LogLine {
            level: level(&text),
            text,
        });
    }
}

fn error_stream(line: &str) -> Level {
    if line.to_lowercase().contains("warn") {
        Level::Warning
    } else {
        Level::Error
    }
}

fn mixed_stream(line: &str) -> Level {
    let line = line.to_lowercase();
    let failed = ["error", "fail", "severe", "unhandled exception"]
        .iter()
        .any(|word| line.contains(word));
    if failed {
        Level::Error
    } else {
        Level::Information
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_on_stderr_is_an_error_unless_it_warns() {
        assert_eq!(error_stream("{\"level\":\"WARN\"}"), Level::Warning);
        assert_eq!(error_stream("all is well"), Level::Error);
        assert_eq!(mixed_stream("all is well"), Level::Information);
        assert_eq!(mixed_stream("it FAILED"), Level::Error);
    }
}
