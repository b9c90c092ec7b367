//! The real binary as a child process.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::{until, within};
use tokio::process::{Child, Command};
use tokio::task::{AbortHandle, JoinSet};

use super::door::{Door, Lines};
use super::{Answer, Message};

/// Where cargo put the binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_order-items-reserver");

/// A running handler. It is killed when this is dropped, and ends by itself when the test process
/// is killed: it takes the test for its Functions host.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    pub(crate) door: Door,
    child: Child,
    readers: JoinSet<()>,
    reading: [AbortHandle; 2],
}

/// The binary with nothing of our environment but `settings`.
pub(crate) fn command(settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The port in the line about it.
fn listening(line: &str) -> Option<u16> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "listening").then(|| line["port"].as_u64()?.try_into().ok())?
}

impl Handler {
    /// Starts the binary on a free port and waits until it serves.
    pub(crate) async fn start(settings: &[(&str, String)]) -> Self {
        let mut command = command(settings);
        command
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", "0")
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "test");
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (Lines::default(), Lines::default());
        let mut readers = JoinSet::new();
        let reading = [
            readers.spawn(stdout.clone().collect(child.stdout.take().unwrap())),
            readers.spawn(stderr.clone().collect(child.stderr.take().unwrap())),
        ];
        let mut handler = Self {
            door: Door::new(0),
            stdout,
            stderr,
            child,
            readers,
            reading,
        };
        handler.ready().await;
        handler
    }

    async fn ready(&mut self) {
        let probing = async {
            loop {
                let lines = self.stdout.all();
                if let Some(port) = lines.iter().find_map(|line| listening(line)) {
                    return port;
                }
                if let Some(status) = self.child.try_wait().unwrap() {
                    panic!("the handler ended: {status}, {:?}", self.stderr.all());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        self.door.port = within("the handler to listen", probing).await;
        assert_eq!(self.door.get("/").await, Some(200), "the readiness probe");
    }

    /// Hands a message out and returns the answer.
    pub(crate) async fn deliver(&self, message: &Message) -> Answer {
        let answer = self.door.post(message.invocation()).await;
        answer.expect("the handler lives and answers")
    }

    /// Closes our ends of its standard output, its standard error, or both.
    pub(crate) async fn stop_reading(&mut self, stdout: bool, stderr: bool) {
        let chosen = self.reading.iter().zip([stdout, stderr]);
        for (reading, _) in chosen.filter(|(_, chosen)| *chosen) {
            reading.abort();
            let ended = self.readers.join_next().await;
            assert!(ended.is_some_and(|ended| ended.is_err()), "aborted");
        }
    }

    /// SIGKILL, and the end of the process.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
        self.ended().await;
    }

    /// SIGTERM.
    pub(crate) async fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.await.unwrap().success());
    }

    /// Waits for the process to end by itself, and for all of its output.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let status = within("the end of the handler", self.child.wait()).await;
        while self.readers.join_next().await.is_some() {}
        status.unwrap()
    }

    /// The line about this delivery, on whichever stream it comes.
    pub(crate) async fn line(&self, message: &Message) -> Value {
        let find = || {
            let mut lines = [self.stdout.outcomes(), self.stderr.outcomes()].concat();
            lines.retain(|line| {
                line["message_id"] == message.id && line["delivery_count"] == message.delivery_count
            });
            lines.pop()
        };
        until("a line about the delivery", || find().is_some()).await;
        find().unwrap()
    }
}

/// What a run of the binary that ends by itself brought.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary to its end.
pub(crate) async fn run(arguments: &[&str], settings: &[(&str, String)]) -> Run {
    let output = command(settings).args(arguments).output();
    let output = within("the end of the binary", output).await.unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
