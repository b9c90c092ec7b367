//! What the judge is shown: what was sent, and what can be seen of it afterwards. Plain data.
//!
//! It comes from outside, over HTTP ([`watch`] during the run, [`gather`] after it), or from whoever has the parts in its
//! own process.

mod cart;
pub(super) mod gather;
mod mailed;
pub(super) mod seen;
pub(super) mod watch;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use cart::Cart;
pub use mailed::Mailed;

/// How sending a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// The queue said 201.
    Accepted,
    /// The answer never came: it may be in the queue or not.
    Maybe,
    /// The queue said no, with this status (0: it was never reached).
    Refused(u16),
}

/// One message, as the oracle wrote it down. Of one session, they come in the order of sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Whose cart.
    pub session: String,
    /// The session's count of carts.
    pub revision: u64,
    /// `MessageId`.
    pub message_id: String,
    /// Of the body's bytes.
    pub sha256: String,
    /// Of the order as JSON without blanks: an e-mail carries the order, not its blanks. Poison has no order in it.
    pub order_sha256: Option<String>,
    /// How sending ended.
    pub fate: Fate,
    /// How often it was tried.
    pub tries: u32,
    /// Whether a try before the last got no clear answer.
    pub unclear: bool,
    /// When the cart changed; of carts that became one, the first.
    #[serde(with = "time::serde::rfc3339")]
    pub due: OffsetDateTime,
    /// When the last try ended.
    #[serde(with = "time::serde::rfc3339")]
    pub answered: OffsetDateTime,
}

impl Sent {
    /// Whether it is no order: nothing can ever store it.
    #[must_use]
    pub fn is_poison(&self) -> bool {
        self.order_sha256.is_none()
    }
}

/// What a blob's metadata says of the message in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// `sequence`.
    pub sequence: Option<u64>,
    /// `enqueued`.
    pub enqueued: Option<OffsetDateTime>,
    /// `messageid`.
    pub message_id: Option<String>,
}

impl Mark {
    /// Reads the metadata, whose values come by their names.
    #[must_use]
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            sequence: value("sequence").and_then(|text| text.parse().ok()),
            enqueued: value("enqueued")
                .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()),
            message_id: value("messageid"),
        }
    }
}

/// One accepted write of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The blob's name: session and `.json`.
    pub name: String,
    /// The version it made.
    pub etag: String,
    /// When.
    pub at: OffsetDateTime,
    /// Of the bytes.
    pub sha256: String,
    /// What it says of itself.
    pub mark: Mark,
}

/// A blob at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its version.
    pub etag: String,
    /// Of the bytes.
    pub sha256: String,
    /// What it says of itself.
    pub mark: Mark,
}

/// A message that is still in the queue, or dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub sequence: u64,
    /// `MessageId`.
    pub message_id: Option<String>,
    /// `SessionId`.
    pub session: Option<String>,
}

/// Everything the judge knows.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What was sent.
    pub sent: Vec<Sent>,
    /// Writes of blobs in the order in which they happened.
    pub writes: Vec<Write>,
    /// Whether these are all writes: a stack that was killed takes a little of its history along.
    pub writes_are_complete: bool,
    /// The blobs of our sessions at the end, by name.
    pub blobs: BTreeMap<String, Blob>,
    /// Every blob's name before the first message was sent.
    pub names_before: BTreeSet<String>,
    /// Every blob's name at the end.
    pub names_after: BTreeSet<String>,
    /// What was mailed.
    pub mailed: Vec<Mailed>,
    /// What waits or is being delivered.
    pub queued: Vec<Waiting>,
    /// What was dead-lettered.
    pub dead: Vec<Waiting>,
}

impl Evidence {
    /// What the queue said 201 to.
    pub fn accepted(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(|sent| sent.fate == Fate::Accepted)
    }
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

/// The name of a session's blob. Ours are hexadecimal digits: nothing has to be escaped.
#[must_use]
pub fn blob_name(session: &str) -> String {
    format!("{session}.json")
}
