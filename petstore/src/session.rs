//! The session: what names an order, and whose it is.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// 32 upper-case hexadecimal digits: names the order, and the file it ends in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

/// The text is no session id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 upper-case hexadecimal digits")]
pub struct NoSessionId;

impl SessionId {
    /// One that nobody has.
    #[must_use]
    pub fn fresh() -> Self {
        Self(format!("{:X}", Uuid::new_v4().simple()))
    }

    /// One made of these bytes: always the same of the same.
    #[must_use]
    pub fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("{:032X}", u128::from_be_bytes(bytes)))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = NoSessionId;

    fn try_from(text: String) -> Result<Self, NoSessionId> {
        let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        if text.len() == 32 && text.bytes().all(digit) {
            Ok(Self(text))
        } else {
            Err(NoSessionId)
        }
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether this can be an e-mail address; only its mailbox knows whether it is one.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let at = text.rsplit_once('@');
    text.len() <= 255
        && plain
        && at.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}
