//! A record as bytes: one JSON object, with its version in front.
//!
//! Read strictly. What cannot be read whole is not guessed at, for a write over it would lose what
//! it held.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CLICKS_MAX, OWED_MAX, Record};

/// The largest record, in bytes. One that is full has less: a test fills it.
pub const RECORD_MAX: usize = 64 * 1024;

/// What this program writes, and reads.
const VERSION: u32 = 1;

/// Why bytes are no record of ours. Never quotes them: they may hold an e-mail address.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Larger than [`RECORD_MAX`].
    #[error("{0} bytes; expected at most {RECORD_MAX}")]
    TooLarge(usize),
    /// No JSON object with a version.
    #[error("no JSON object with a version (line {}, column {})", .0.line(), .0.column())]
    NotJson(#[source] serde_json::Error),
    /// Written by another PetStore.
    #[error("version {0}; expected {VERSION}: it was written by another PetStore")]
    Version(u32),
    /// Of our version, and not what it says.
    #[error("not a record of version {VERSION} (line {}, column {})", .0.line(), .0.column())]
    Shape(#[source] serde_json::Error),
    /// A value that we never write.
    #[error("{0}")]
    Value(&'static str),
}

/// What is read first: of another version the rest may be anything.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<R> {
    version: u32,
    record: R,
}

impl Record {
    /// As it is stored.
    ///
    /// # Errors
    /// When it is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let (version, record) = (VERSION, self);
        let bytes = serde_json::to_vec(&Stored { version, record }).map_err(RecordError::Shape)?;
        if bytes.len() > RECORD_MAX {
            return Err(RecordError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// When it is not, in every detail, what this version writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_MAX {
            return Err(RecordError::TooLarge(bytes.len()));
        }
        let Versioned { version } = serde_json::from_slice(bytes).map_err(RecordError::NotJson)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let stored: Stored<Self> = serde_json::from_slice(bytes).map_err(RecordError::Shape)?;
        stored.record.check()?;
        Ok(stored.record)
    }

    /// What is sent comes from here, so nothing may stand in it that a header does not take.
    fn check(&self) -> Result<(), RecordError> {
        let wrong = |what| Err(RecordError::Value(what));
        let plain = |text: &str| {
            let legal = |b: u8| b.is_ascii_hexdigit() || b == b'-';
            (1..=64).contains(&text.len()) && text.bytes().all(legal)
        };
        let mut carts = vec![&self.cart];
        carts.extend(self.placed.as_ref().map(|placed| &placed.cart));
        if !carts.iter().all(|cart| cart.is_valid()) {
            return wrong("a cart that breaks the cart's rules");
        }
        if self.owed.len() > OWED_MAX + 1 || self.clicks.len() > CLICKS_MAX {
            return wrong("more orders or clicks than a record holds");
        }
        let ids = self
            .owed
            .iter()
            .flat_map(|owed| [&owed.message, &owed.traceparent]);
        let owner = self.owner.iter().map(|owner| &owner.instance);
        if !ids.chain(owner).chain(&self.clicks).all(|id| plain(id)) {
            return wrong("an id that is not hexadecimal digits and hyphens");
        }
        let messages: BTreeSet<_> = self.owed.iter().map(|owed| &owed.message).collect();
        if messages.len() != self.owed.len() {
            return wrong("two messages of one id");
        }
        Ok(())
    }
}
