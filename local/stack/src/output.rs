//! What a program beside the stack writes, line by line.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Lines that wait for a reader.
const LINES_MAX: usize = 256;

/// Both of its outputs, as one.
#[derive(Debug)]
pub(crate) struct Output {
    lines: mpsc::Receiver<String>,
    _readers: JoinSet<()>,
}

impl Output {
    /// Takes what is piped.
    pub(crate) fn of(child: &mut Child) -> Self {
        let (sender, lines) = mpsc::channel(LINES_MAX);
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(forward(stdout, sender.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(forward(stderr, sender));
        }
        Self {
            lines,
            _readers: readers,
        }
    }

    /// The next line; `None` when the program, and all that it has started, have closed their
    /// outputs.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
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
