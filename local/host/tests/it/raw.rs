//! A handler that keeps its requests byte for byte, and answers with whatever bytes a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// What is done with a connection once a request is in.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The connection stays open.
    Send(String),
    /// The connection is closed behind it.
    SendAndClose(String),
    Reset,
}

impl Reply {
    pub(crate) fn done() -> Self {
        Self::Send(with_length(
            "200 OK",
            "Content-Type: application/json\r\n",
            "{}",
        ))
    }
}

/// An answer with a body and its length.
pub(crate) fn with_length(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

pub(crate) struct RawHandler {
    pub(crate) url: String,
    requests: UnboundedReceiver<String>,
    _tasks: JoinSet<()>,
}

impl RawHandler {
    /// Answers the nth request with `answer(n)`, from 1.
    pub(crate) async fn start(answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = testkit::net::listener().await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (seen, requests) = unbounded_channel();
        let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (answer, count, seen) = (Arc::clone(&answer), Arc::clone(&count), seen.clone());
                let next = move || answer(count.fetch_add(1, Ordering::Relaxed) + 1);
                connections.spawn(serve(stream, seen, next));
            }
        });
        Self {
            url,
            requests,
            _tasks: tasks,
        }
    }

    /// The next whole request.
    pub(crate) async fn request(&mut self) -> String {
        self.requests.recv().await.expect("a request")
    }

    /// Those that are in.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

async fn serve(mut stream: TcpStream, seen: UnboundedSender<String>, answer: impl Fn() -> Reply) {
    let mut bytes = Vec::new();
    loop {
        while !is_whole(&bytes) {
            if stream.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
                return;
            }
        }
        let request = String::from_utf8(std::mem::take(&mut bytes)).expect("text");
        // The test may have all it wanted.
        seen.send(request).ok();
        match answer() {
            Reply::Send(text) => stream.write_all(text.as_bytes()).await.expect("writes"),
            Reply::SendAndClose(text) => {
                stream.write_all(text.as_bytes()).await.expect("writes");
                return;
            }
            Reply::Reset => {
                stream.set_zero_linger().expect("an option");
                return;
            }
        }
    }
}

/// The host sends no request before it has the answer to the one before.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    match length {
        Some(length) => body.len() >= length.parse().expect("a length"),
        None if head.contains("Transfer-Encoding: chunked") => body.ends_with("0\r\n\r\n"),
        None => true,
    }
}
