//! As much of HTTP/1.1 as the measurements need: messages with a Content-Length on a kept-alive
//! connection.
//!
//! Both sides use it, the load generator for answers and the responder for requests. It is this
//! small so that the measuring takes as little as possible of the two cores it shares with what is
//! measured.

use std::io;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer that a measurement can still use.
const PATIENCE: Duration = Duration::from_secs(60);

const READ_AT_ONCE: usize = 64 * 1024;

/// One connection, and what was read of it but not yet used.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    chunk: Vec<u8>,
}

impl Connection {
    /// Connects to `address`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Takes over a connection that exists.
    ///
    /// # Errors
    /// When its options cannot be set.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            chunk: vec![0; READ_AT_ONCE],
        })
    }

    /// Sends `message` as it is.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message)
    }

    /// Reads one message, and returns its first line; `None` at the end of the connection.
    ///
    /// # Errors
    /// When the connection breaks within a message, or the message is chunked.
    pub fn receive(&mut self) -> io::Result<Option<String>> {
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if self.fill()? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
        let length = content_length(&text)?;
        let first_line = text.lines().next().unwrap_or_default().to_owned();
        while self.buffer.len() < head + length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.buffer.drain(..head + length);
        Ok(Some(first_line))
    }

    /// Sends a request and reads its answer, which must be a 2xx.
    ///
    /// # Errors
    /// When there is no such answer.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<()> {
        self.send(request)?;
        let answer = self.receive()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        match answer.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Ok(()),
            _ => Err(io::Error::other(format!("expected a 2xx, found {answer}"))),
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let read = self.stream.read(&mut self.chunk)?;
        let chunk = self.chunk.get(..read).unwrap_or_default();
        self.buffer.extend_from_slice(chunk);
        Ok(read)
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

fn content_length(head: &str) -> io::Result<usize> {
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("transfer-encoding") {
            let problem = "a chunked message; expected one with Content-Length";
            return Err(io::Error::other(problem));
        }
        if name.eq_ignore_ascii_case("content-length") {
            let problem = || io::Error::other(format!("not a Content-Length: {value}"));
            return value.trim().parse().map_err(|_| problem());
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pair() -> (Connection, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = Connection::open(listener.local_addr().unwrap()).unwrap();
        (
            here,
            Connection::over(listener.accept().unwrap().0).unwrap(),
        )
    }

    #[test]
    fn messages_are_told_apart_however_they_arrive() {
        let (mut here, mut there) = pair();
        let wire = b"PUT /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcHEAD /b HTTP/1.1\r\n\r\n";
        for piece in wire.chunks(5) {
            here.send(piece).unwrap();
        }
        assert_eq!(there.receive().unwrap().unwrap(), "PUT /a HTTP/1.1");
        assert_eq!(there.receive().unwrap().unwrap(), "HEAD /b HTTP/1.1");
        drop(here);
        assert_eq!(there.receive().unwrap(), None);
    }

    #[test]
    fn only_a_2xx_counts() {
        let (mut here, mut there) = pair();
        there
            .send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let error = here.exchange(b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
        assert!(error.to_string().contains("503 Busy"), "{error}");
    }

    #[test]
    fn what_it_cannot_read_is_an_error() {
        for wire in [
            &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            b"HTTP/1.1 200",
        ] {
            let (mut here, mut there) = pair();
            here.send(wire).unwrap();
            drop(here);
            assert!(there.receive().is_err());
        }
    }
}
