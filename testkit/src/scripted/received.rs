//! A request as it arrived at a scripted server.

use std::net::SocketAddr;

use tokio::time::Instant;

/// A request as far as it was read.
#[derive(Clone, Debug)]
pub struct Received {
    pub bytes: Vec<u8>,
    /// When its first byte was there.
    pub at: Instant,
    /// Where it came from: requests that came over one connection have the same.
    pub peer: SocketAddr,
}

impl From<SocketAddr> for Received {
    fn from(peer: SocketAddr) -> Self {
        Self {
            bytes: Vec::new(),
            at: Instant::now(),
            peer,
        }
    }
}

impl Received {
    fn head_end(&self) -> Option<usize> {
        let at = self.bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
        Some(at + 4)
    }

    fn head(&self) -> String {
        let end = self.head_end().unwrap_or(self.bytes.len());
        String::from_utf8_lossy(&self.bytes[..end]).into_owned()
    }

    fn word(&self, index: usize) -> String {
        let head = self.head();
        let line = head.lines().next().unwrap_or_default();
        line.split(' ').nth(index).unwrap_or_default().to_owned()
    }

    pub fn method(&self) -> String {
        self.word(0)
    }

    /// Path and query as they were sent.
    pub fn target(&self) -> String {
        self.word(1)
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers().into_iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = self.head();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect()
    }

    pub fn body(&self) -> &[u8] {
        &self.bytes[self.head_end().unwrap_or(self.bytes.len())..]
    }

    /// How long the whole request is, as soon as its head says so.
    pub(super) fn length(&self) -> Option<usize> {
        let end = self.head_end()?;
        assert_eq!(self.header("transfer-encoding"), None, "not read here");
        let length = self.header("content-length");
        Some(end + length.map_or(0, |length| length.parse::<usize>().unwrap()))
    }
}
