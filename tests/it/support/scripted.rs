//! A server that misbehaves by script, byte for byte: each request takes the next list of steps.
//!
//! It speaks no HTTP of its own. It reads as much of a request as it is told to, sends the bytes
//! it is given, and can stop at any point in between: the places where a network or a peer can
//! fail. What arrived is recorded, and counts as a request from its first byte on.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

use super::Seen;

/// One thing done with a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Read this many bytes of the request, or all of it if it is shorter.
    Read(usize),
    /// Read the request to its end.
    ReadAll,
    /// Send these bytes.
    Send(Vec<u8>),
    /// Stop until the test goes on.
    Hold(Gate),
    /// Pass the request on to another server and keep its answer. Needs the whole request.
    Forward(SocketAddr),
    /// Send the answer that was kept.
    Relay,
    /// Close the connection in order.
    Close,
    /// Close it with an RST.
    Reset,
    /// Keep the connection open, and do nothing more.
    Hang,
}

/// A place where a request waits for the test.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<(Semaphore, Semaphore)>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Semaphore::new(0), Semaphore::new(0))))
    }

    /// Waits for a request to get here.
    pub(crate) async fn reached(&self) {
        super::within("a request at the gate", self.0.0.acquire())
            .await
            .unwrap()
            .forget();
    }

    /// Lets one request pass, now or when it gets here.
    pub(crate) fn open(&self) {
        self.0.1.add_permits(1);
    }

    async fn pass(&self) {
        self.0.0.add_permits(1);
        self.0.1.acquire().await.unwrap().forget();
    }
}

#[derive(Debug)]
struct Script {
    next: Mutex<VecDeque<Vec<Step>>>,
    then: Vec<Step>,
    seen: Mutex<Vec<Seen>>,
}

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
    _tasks: JoinSet<()>,
}

impl Scripted {
    /// Does `first` with the first requests, one list of steps each, and `then` with all others.
    pub(crate) async fn start(first: impl IntoIterator<Item = Vec<Step>>, then: Vec<Step>) -> Self {
        let listener = super::listener().await;
        let script = Arc::new(Script {
            next: Mutex::new(first.into_iter().collect()),
            then,
            seen: Mutex::default(),
        });
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&script)));
        Self {
            address,
            script,
            _tasks: tasks,
        }
    }

    /// The requests so far, in the order in which they arrived.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    /// Their methods, in one word each.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.seen().iter().map(Seen::method).collect()
    }

    /// Does `steps` with the next request.
    pub(crate) fn next(&self, steps: Vec<Step>) {
        self.script.next.lock().unwrap().push_back(steps);
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        connections.spawn(async move {
            // The peer may vanish at any time, and often does so on purpose.
            serve(stream, &script).await.ok();
        });
    }
}

async fn serve(mut stream: TcpStream, script: &Script) -> io::Result<()> {
    while stream.peek(&mut [0]).await? > 0 {
        let next = script.next.lock().unwrap().pop_front();
        let steps = next.unwrap_or_else(|| script.then.clone());
        let index = {
            let mut seen = script.seen.lock().unwrap();
            seen.push(Seen::default());
            seen.len() - 1
        };
        let mut request = Request {
            stream: &mut stream,
            script,
            index,
            kept: Vec::new(),
        };
        for step in steps {
            request.take(step).await?;
        }
    }
    Ok(())
}

struct Request<'a> {
    stream: &'a mut TcpStream,
    script: &'a Script,
    index: usize,
    kept: Vec<u8>,
}

impl Request<'_> {
    fn seen(&self) -> Seen {
        self.script.seen.lock().unwrap()[self.index].clone()
    }

    /// Reads on to the end of the request, or until there are `most` bytes of it.
    async fn read(&mut self, most: usize) -> io::Result<()> {
        let mut buffer = [0; 8192];
        loop {
            let seen = self.seen();
            let end = seen.length().unwrap_or(usize::MAX).min(most);
            let room = end.saturating_sub(seen.0.len()).min(buffer.len());
            if room == 0 {
                return Ok(());
            }
            let read = self.stream.read(&mut buffer[..room]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut seen = self.script.seen.lock().unwrap();
            seen[self.index].0.extend_from_slice(&buffer[..read]);
        }
    }

    async fn take(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::Read(most) => self.read(most).await?,
            Step::ReadAll => self.read(usize::MAX).await?,
            Step::Send(bytes) => self.stream.write_all(&bytes).await?,
            Step::Hold(gate) => gate.pass().await,
            Step::Forward(to) => self.kept = forward(&self.seen(), to).await?,
            Step::Relay => {
                self.stream.write_all(&self.kept).await?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Step::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
            Step::Reset => {
                self.stream.set_zero_linger()?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Step::Hang => std::future::pending().await,
        }
        Ok(())
    }
}

/// Has `to` take the request, one connection each, and returns its whole answer.
async fn forward(request: &Seen, to: SocketAddr) -> io::Result<Vec<u8>> {
    let line = request
        .0
        .windows(2)
        .position(|bytes| bytes == b"\r\n")
        .unwrap()
        + 2;
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(&request.0[..line]).await?;
    stream.write_all(b"connection: close\r\n").await?;
    stream.write_all(&request.0[line..]).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// An answer with a body of its own length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Reads a request to its end and answers it.
pub(crate) fn answering(status: &str, headers: &str) -> Vec<Step> {
    vec![Step::ReadAll, Step::Send(answer(status, headers, ""))]
}

/// Blob Storage says no.
pub(crate) fn refusing(status: &str, code: &str) -> Vec<Step> {
    answering(status, &format!("x-ms-error-code: {code}\r\n"))
}
