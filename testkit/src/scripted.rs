//! A server that misbehaves by script, byte for byte: each request takes the next list of steps.
//!
//! It speaks no HTTP of its own. It reads as much of a request as it is told to, sends the bytes
//! it is given, and can stop at any point in between: the places where a network or a peer can
//! fail. What arrived is recorded, and counts as a request from its first byte on.

mod received;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use received::Received;

/// One thing done with a request.
#[derive(Clone, Debug)]
pub enum Step {
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
    /// Send the answer that was kept, and close: it says so itself.
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
pub struct Gate(Arc<GateInner>);

#[derive(Debug)]
struct GateInner {
    reached: Semaphore,
    open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub fn new() -> Self {
        Self(Arc::new(GateInner {
            reached: Semaphore::new(0),
            open: Semaphore::new(0),
        }))
    }

    /// Waits for a request to get here.
    pub async fn reached(&self) {
        let reached = self.0.reached.acquire();
        let reached = crate::within("a request at the gate", reached).await;
        reached.unwrap().forget();
    }

    /// Lets one request pass, now or when it gets here.
    pub fn open(&self) {
        self.0.open.add_permits(1);
    }

    async fn pass(&self) {
        self.0.reached.add_permits(1);
        self.0.open.acquire().await.unwrap().forget();
    }
}

type Choose = Box<dyn FnMut(usize, &Received) -> Vec<Step> + Send>;

/// What is done with a request that none of the first lists is for.
enum Then {
    Always(Vec<Step>),
    Choose(Choose),
}

struct Script {
    next: Mutex<VecDeque<Vec<Step>>>,
    then: Mutex<Then>,
    received: Mutex<Vec<Received>>,
}

/// A running server; it ends when it is dropped.
pub struct Scripted {
    pub address: SocketAddr,
    script: Arc<Script>,
    _tasks: JoinSet<()>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Scripted({})", self.address)
    }
}

impl Scripted {
    /// Does `first` with the first requests, one list of steps each, and `then` with all others.
    pub async fn start(first: impl IntoIterator<Item = Vec<Step>>, then: Vec<Step>) -> Self {
        Self::run(first.into_iter().collect(), Then::Always(then)).await
    }

    /// Reads each request to its end, and does with it what `choose` says of it and its number,
    /// which counts from 0.
    pub async fn choosing(
        choose: impl FnMut(usize, &Received) -> Vec<Step> + Send + 'static,
    ) -> Self {
        Self::run(VecDeque::new(), Then::Choose(Box::new(choose))).await
    }

    async fn run(next: VecDeque<Vec<Step>>, then: Then) -> Self {
        let listener = crate::net::listener().await;
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script {
            next: Mutex::new(next),
            then: Mutex::new(then),
            received: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&script)));
        Self {
            address,
            script,
            _tasks: tasks,
        }
    }

    /// The requests so far, in the order in which they arrived.
    pub fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }

    /// Their methods, in one word each.
    pub fn methods(&self) -> Vec<String> {
        self.received().iter().map(Received::method).collect()
    }

    /// Does `steps` with the next request.
    pub fn next(&self, steps: Vec<Step>) {
        self.script.next.lock().unwrap().push_back(steps);
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let script = Arc::clone(&script);
        connections.spawn(async move {
            // The peer may vanish at any time, and often does so on purpose.
            serve(stream, peer, &script).await.ok();
        });
    }
}

async fn serve(mut stream: TcpStream, peer: SocketAddr, script: &Script) -> io::Result<()> {
    while stream.peek(&mut [0]).await? > 0 {
        let next = script.next.lock().unwrap().pop_front();
        let index = {
            let mut received = script.received.lock().unwrap();
            received.push(Received::from(peer));
            received.len() - 1
        };
        let mut exchange = Exchange {
            stream: &mut stream,
            script,
            index,
            kept: Vec::new(),
        };
        let steps = match next {
            Some(steps) => steps,
            None => exchange.choose().await?,
        };
        for step in steps {
            exchange.take(step).await?;
        }
    }
    Ok(())
}

/// One request on its connection, and the answer to it.
struct Exchange<'a> {
    stream: &'a mut TcpStream,
    script: &'a Script,
    index: usize,
    kept: Vec<u8>,
}

impl Exchange<'_> {
    fn received(&self) -> Received {
        self.script.received.lock().unwrap()[self.index].clone()
    }

    async fn choose(&mut self) -> io::Result<Vec<Step>> {
        let chooses = matches!(*self.script.then.lock().unwrap(), Then::Choose(_));
        if chooses {
            self.read(usize::MAX).await?;
        }
        Ok(match &mut *self.script.then.lock().unwrap() {
            Then::Always(steps) => steps.clone(),
            Then::Choose(choose) => choose(self.index, &self.received()),
        })
    }

    /// Reads on to the end of the request, or until there are `most` bytes of it.
    async fn read(&mut self, most: usize) -> io::Result<()> {
        let mut buffer = [0; 8192];
        loop {
            let received = self.received();
            let end = received.length().unwrap_or(usize::MAX).min(most);
            let room = end.saturating_sub(received.bytes.len()).min(buffer.len());
            if room == 0 {
                return Ok(());
            }
            let read = self.stream.read(&mut buffer[..room]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut received = self.script.received.lock().unwrap();
            received[self.index]
                .bytes
                .extend_from_slice(&buffer[..read]);
        }
    }

    async fn take(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::Read(most) => self.read(most).await?,
            Step::ReadAll => self.read(usize::MAX).await?,
            Step::Send(bytes) => self.stream.write_all(&bytes).await?,
            Step::Hold(gate) => gate.pass().await,
            Step::Forward(to) => self.kept = forward(&self.received().bytes, to).await?,
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
async fn forward(request: &[u8], to: SocketAddr) -> io::Result<Vec<u8>> {
    let line = request.windows(2).position(|bytes| bytes == b"\r\n");
    let (line, rest) = request.split_at(line.unwrap() + 2);
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(line).await?;
    stream.write_all(b"connection: close\r\n").await?;
    stream.write_all(rest).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// An answer with a body of its own length; each of the headers ends with `\r\n`.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Reads a request to its end and answers it.
pub fn answering(status: &str, headers: &str) -> Vec<Step> {
    vec![Step::ReadAll, Step::Send(answer(status, headers, ""))]
}
