//! Port: where the records are kept, and the marks of those that owe something.
//!
//! A mark is made before a record owes, and taken away after it is clean, so that whoever lists the
//! marks misses no record that owes.

pub mod azure;

use std::fmt;

use sha2::{Digest as _, Sha256};
/// Why a request to the store has no answer that counts. A write may have been done all the same,
/// or be done later.
pub use storage_account::StorageError as StoreError;

use crate::session::SessionId;

/// A record's name: the SHA-256 of the shopper's key, so that who can read the store cannot be the
/// shopper.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(pub [u8; 32]);

impl RecordName {
    /// The name of 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 64 || !text.bytes().all(digit) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The session of a shopper who has no record yet: always the same, so that the page can name
    /// the session that the first click begins.
    #[must_use]
    pub fn first_session(&self) -> SessionId {
        let digest = Sha256::new().chain_update(b"session").chain_update(self.0);
        let digest: [u8; 32] = digest.finalize().into();
        let first = digest.first_chunk().copied();
        first.map_or_else(SessionId::fresh, SessionId::of_bytes)
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordName({self})")
    }
}

/// One state of a record or a mark: its ETag, in quotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// Of an ETag in quotes or, as listings have it, without.
    #[must_use]
    pub fn of_etag(etag: &str) -> Self {
        Self(format!("\"{}\"", etag.trim_matches('"')))
    }

    /// The ETag, in quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.0
    }
}

/// What is stored under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// At most [`RECORD_MAX`](crate::record::RECORD_MAX) and one, however many there are.
    pub bytes: Vec<u8>,
    /// The state that was read.
    pub version: Version,
}

/// The state that a write expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is none yet.
    Absent,
    /// Nobody wrote since this was read.
    Version(Version),
}

/// An answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteReply {
    /// It is the stored one now.
    Written(Version),
    /// The state is not the one expected: nothing was written.
    Refused,
}

/// Keeps records and marks. Every instance sees the same ones.
pub trait CartStore: Send + Sync + 'static {
    /// The record of a name, if there is one.
    fn read(
        &self,
        name: &RecordName,
    ) -> impl Future<Output = Result<Option<StoredRecord>, StoreError>> + Send;

    /// Makes `bytes` the record of a name, if its state is the one expected.
    fn write(
        &self,
        name: &RecordName,
        bytes: Vec<u8>,
        expected: &Expected,
    ) -> impl Future<Output = Result<WriteReply, StoreError>> + Send;

    /// Makes or renews the mark of a name: whoever knew it before cannot take it away any more.
    fn mark(&self, name: &RecordName) -> impl Future<Output = Result<Version, StoreError>> + Send;

    /// Takes the mark away, if nobody renewed it since; false when somebody did, or it is gone.
    fn unmark(
        &self,
        name: &RecordName,
        version: &Version,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// All marks.
    fn marks(&self) -> impl Future<Output = Result<Vec<(RecordName, Version)>, StoreError>> + Send;
}
