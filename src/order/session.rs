//! The session whose order a message carries, and the blob that holds it.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest session id, in bytes of UTF-8: Service Bus allows 128 characters.
pub const SESSION_ID_MAX: usize = 128;

/// What a blob name keeps as it is: letters, digits, `-` and `_`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A customer's session: 1 to [`SESSION_ID_MAX`] bytes, any characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// Why a text cannot be a session id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionIdError {
    /// It would name nobody: all such orders would share one blob.
    #[error("the session id is empty; expected 1 to {SESSION_ID_MAX} bytes")]
    Empty,
    /// Longer than the broker allows.
    #[error("the session id has {bytes} bytes; expected 1 to {SESSION_ID_MAX}")]
    TooLong {
        /// Its length in UTF-8.
        bytes: usize,
    },
}

impl SessionId {
    /// Takes any text of 1 to [`SESSION_ID_MAX`] bytes.
    ///
    /// # Errors
    /// When it is empty or longer.
    pub fn new(text: impl Into<String>) -> Result<Self, SessionIdError> {
        let text = text.into();
        match text.len() {
            0 => Err(SessionIdError::Empty),
            1..=SESSION_ID_MAX => Ok(Self(text)),
            bytes => Err(SessionIdError::TooLong { bytes }),
        }
    }

    /// As published, not encoded for a blob name or a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The blob that holds this session's order.
    #[must_use]
    pub fn blob_name(&self) -> BlobName {
        let mut name = Cow::from(utf8_percent_encode(&self.0, ENCODED)).into_owned();
        name.push_str(".json");
        BlobName(name)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a session's blob: `{session}.json`, where every byte but letters, digits, `-` and
/// `_` is percent-encoded. One path segment, different for different sessions, and at most 389 of
/// the 1,024 characters that Blob Storage allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// The name, not yet encoded for a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
