//! One process of the storefront: its lines, and its end.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

/// Lines that wait for a reader.
const LINES: usize = 256;

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    _readers: JoinSet<()>,
}

impl Process {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let (sender, lines) = mpsc::channel(LINES);
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(forward(stdout, sender.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(forward(stderr, sender));
        }
        Ok(Self {
            child,
            lines,
            _readers: readers,
        })
    }

    /// The next line it writes; `None` when it has closed its outputs, as it does in the end.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Asks for an orderly end: a word and the end of its input, as nobody says who is killed. Waits; kills it after the limit. How it ended.
    pub(super) async fn end(mut self, limit: Duration) -> String {
        if let Some(mut input) = self.child.stdin.take() {
            // An error means that it has ended already.
            input.write_all(b"end\n").await.ok();
        }
        // It must not wait for somebody who reads its last lines.
        let ended = async {
            tokio::join!(self.child.wait(), async {
                while self.lines.recv().await.is_some() {}
            })
            .0
        };
        let ended = timeout(limit, ended).await;
        match ended {
            Ok(Ok(status)) => status.code().map_or_else(
                || "was ended by a signal".to_owned(),
                |code| format!("exited with code {code}"),
            ),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                // An error means that it has ended already.
                self.child.kill().await.ok();
                "did not end and was killed".to_owned()
            }
        }
    }
}

async fn forward(stream: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    // Split at the byte, not `lines()`: that one ends at the first invalid UTF-8.
    let mut segments = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = segments.next_segment().await {
        let line = String::from_utf8_lossy(&line)
            .trim_end_matches('\r')
            .to_owned();
        if lines.send(line).await.is_err() {
            return;
        }
    }
}

/// The address in the line that says that it serves.
pub(super) fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let listening = line.get("message")?.as_str()? == "listening";
    let url = line.get("url")?.as_str()?;
    listening.then(|| url.to_owned())
}

pub(super) fn port(url: &str) -> Option<u16> {
    url.parse::<Url>().ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_says_listening() {
        let line =
            r#"{"level":"INFO","message":"listening","url":"http://127.0.0.1:8080","waiting":0}"#;
        let url = address(line).expect("an address");
        assert_eq!(
            (url.as_str(), port(&url)),
            ("http://127.0.0.1:8080", Some(8080))
        );
        assert_eq!(address(&line.replace("listening", "x")), None);
        assert_eq!(address("listening"), None);
    }
}
