//! The real binary as a child process.

use std::{
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use order_items_reserver::http_client;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    task::{AbortHandle, JoinSet},
};

use super::{Message, until, within};

/// Where cargo put the binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_order-items-reserver");

/// The invocation id of every request.
pub(crate) const INVOCATION_ID: &str = "7b6f6a2e-8f0e-4f57-9d0a-8f5f3f1f0a11";

/// Lines of one stream of the child, as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The lines that end an invocation, as JSON. Fails on any line that is not JSON.
    pub(crate) fn outcomes(&self) -> Vec<Value> {
        let all = self.all();
        let lines = all.iter().map(|line| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {line}"),
        });
        lines
            .filter(|line: &Value| !line["outcome"].is_null())
            .collect()
    }

    async fn collect(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap().push(line);
        }
    }
}

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

/// The handler's HTTP side; a clone outlives the process.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) port: u16,
    client: reqwest::Client,
}

/// An answer of the handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
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

impl Door {
    pub(crate) async fn get(&self, path: &str) -> Option<u16> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        Some(self.client.get(url).send().await.ok()?.status().as_u16())
    }

    /// Posts an invocation; `None` when the handler dies over it.
    pub(crate) async fn post(&self, invocation: Vec<u8>) -> Option<Answer> {
        let url = format!("http://127.0.0.1:{}/OrderItemsReserver", self.port);
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("x-azure-functions-invocationid", INVOCATION_ID)
            .body(invocation);
        let answer = within("an answer of the handler", request.send())
            .await
            .ok()?;
        let status = answer.status().as_u16();
        let body = answer.text().await.ok()?;
        Some(Answer { status, body })
    }
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
            door: Door {
                port: 0,
                client: http_client::build().unwrap(),
            },
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

    /// Waits for the process to end by itself, and for all of its output.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let status = within("the end of the handler", self.child.wait()).await;
        while self.readers.join_next().await.is_some() {}
        status.unwrap()
    }

    /// The line of the latest invocation, on whichever stream it came.
    pub(crate) async fn line(&self) -> Value {
        let both = || [self.stdout.outcomes(), self.stderr.outcomes()].concat();
        until("a line about the invocation", || !both().is_empty()).await;
        both().pop().unwrap()
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
