//! What the outbox holds of one cart change.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::session::{SessionId, Visit};

/// How new a cart is: by its revision, and of two tabs' equal ones by the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Age {
    revision: u64,
    accepted: i64,
}

/// One cart change, ready to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Whose order.
    pub session: SessionId,
    /// The visit's count of changes.
    pub revision: u64,
    /// `MessageId`, made once.
    pub message: String,
    /// `CorrelationId`, a W3C `traceparent`.
    pub traceparent: String,
    /// When it was accepted, in Unix milliseconds; for people, and between equal revisions only.
    pub accepted: i64,
    /// The whole order.
    pub order: Box<RawValue>,
}

impl Change {
    /// A change with ids of its own.
    ///
    /// # Errors
    /// When `order` is no JSON.
    pub fn new(visit: &Visit, order: String) -> serde_json::Result<Self> {
        let trace = Uuid::new_v4().simple();
        let span = Uuid::new_v4().as_u64_pair().0;
        Ok(Self {
            session: visit.session.clone(),
            revision: visit.revision,
            message: Uuid::now_v7().to_string(),
            traceparent: format!("00-{trace}-{span:016x}-01"),
            accepted: milliseconds_now(),
            order: RawValue::from_string(order)?,
        })
    }

    /// How new it is.
    #[must_use]
    pub fn age(&self) -> Age {
        Age {
            revision: self.revision,
            accepted: self.accepted,
        }
    }
}

pub(super) fn milliseconds_now() -> i64 {
    let now = OffsetDateTime::now_utc();
    now.unix_timestamp() * 1000 + i64::from(now.millisecond())
}
