//! The blob endpoint of the measurements: every request is a success, after a fixed service time.
//!
//! The local stack's endpoint checks signatures and conditions and keeps every write, which costs
//! more than the handler itself. This one answers with constant bytes and runs in a process of its
//! own. A thread per connection sleeps by the kernel's timer: an event loop's timers of 1 ms would
//! hide what the handler adds.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{io, thread};

use crate::error::{BenchError, doing};
use crate::http::Connection;

/// What Blob Storage says to a Put Blob that was applied.
const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\n\
Content-Length: 0\r\n\
ETag: \"0x8DEADBEEF012345\"\r\n\
Last-Modified: Mon, 04 May 2026 09:30:10 GMT\r\n\
Server: Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0\r\n\
x-ms-request-id: 5f2f1f6e-601e-0062-7a15-1c64d8000000\r\n\
x-ms-version: 2023-11-03\r\n\
x-ms-request-server-encrypted: true\r\n\
Date: Mon, 04 May 2026 09:30:10 GMT\r\n\r\n";

/// Requests that this process has answered.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// A responder in a process of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Responder {
    /// Where it listens.
    pub address: SocketAddr,
    /// It ends at the end of its standard input: a harness that is killed leaves none behind.
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    child: Child,
}

impl Responder {
    /// Starts one that takes `service` for each request.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(service: Duration) -> Result<Self, BenchError> {
        let itself = std::env::current_exe().map_err(doing("find the harness's own binary"))?;
        let mut child = Command::new(itself)
            .args(["responder", "--service-us"])
            .arg(service.as_micros().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(doing("start the responder"))?;
        let input = child.stdin.take();
        let mut line = String::new();
        let mut output = child.stdout.take().map(BufReader::new);
        if let Some(output) = &mut output {
            output
                .read_line(&mut line)
                .map_err(doing("read the responder's address"))?;
        }
        let address = line.trim().parse().map_err(|_| {
            BenchError::unexpected("the responder's first line", "an address", line.trim())
        })?;
        Ok(Self {
            address,
            input,
            output,
            child,
        })
    }

    /// Ends it, and returns how many requests it answered.
    ///
    /// # Errors
    /// When it does not say.
    pub fn answered(mut self) -> Result<u64, BenchError> {
        drop(self.input.take());
        let mut line = String::new();
        if let Some(mut output) = self.output.take() {
            output
                .read_line(&mut line)
                .map_err(doing("read the responder's count"))?;
        }
        line.trim().parse().map_err(|_| {
            BenchError::unexpected("the responder's last line", "a count", line.trim())
        })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has ended or is about to; there is nobody left to tell of an error.
        self.child.wait().ok();
    }
}

/// The process: serves until its standard input ends.
///
/// # Errors
/// When there is no port to listen on.
pub fn run(service: Duration) -> Result<(), BenchError> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(doing("listen"))?;
    let address = listener.local_addr().map_err(doing("listen"))?;
    println!("{address}");
    io::stdout().flush().map_err(doing("tell the address"))?;
    thread::spawn(move || accept(&listener, service));
    io::stdin()
        .read_to_end(&mut Vec::new())
        .map_err(doing("wait for the end"))?;
    println!("{}", ANSWERED.load(Ordering::Relaxed));
    Ok(())
}

fn accept(listener: &TcpListener, service: Duration) {
    for stream in listener.incoming().flatten() {
        // A broken connection is its client's to report.
        thread::spawn(move || serve(stream, service).ok());
    }
}

fn serve(stream: TcpStream, service: Duration) -> io::Result<()> {
    let mut connection = Connection::over(stream)?;
    while connection.receive()?.is_some() {
        if !service.is_zero() {
            thread::sleep(service);
        }
        connection.send(CREATED)?;
        ANSWERED.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
