//! A request as it arrived at a scripted server.

/// A request as far as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(pub(crate) Vec<u8>);

impl Seen {
    fn head_end(&self) -> Option<usize> {
        let at = self.0.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        Some(at + 4)
    }

    fn head(&self) -> String {
        String::from_utf8_lossy(&self.0[..self.head_end().unwrap_or(self.0.len())]).into_owned()
    }

    fn word(&self, index: usize) -> String {
        let head = self.head();
        let line = head.lines().next().unwrap_or_default();
        line.split(' ').nth(index).unwrap_or_default().to_owned()
    }

    pub(crate) fn method(&self) -> String {
        self.word(0)
    }

    /// Path and query as they were sent.
    pub(crate) fn target(&self) -> String {
        self.word(1)
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers()
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Names in lower case.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let head = self.head();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.0[self.head_end().unwrap_or(self.0.len())..]
    }

    /// How long the whole request is, as soon as its head says so.
    pub(super) fn length(&self) -> Option<usize> {
        let end = self.head_end()?;
        assert_eq!(self.header("transfer-encoding"), None, "not read here");
        let length = self.header("content-length");
        Some(end + length.map_or(0, |length| length.parse::<usize>().unwrap()))
    }
}
