//! The judge's evidence out of a stack in this process: complete, however many messages there were.

use serde_json::Value;

use super::{Mailed, Waiting, Write};
use crate::blob;
use crate::load::access;
use crate::logic_app::Received;
use crate::queue::Accepted;

/// An accepted write of a blob.
pub(crate) fn write(write: blob::Write) -> Write {
    let mark = access::mark(|name| write.metadata.get(name).cloned());
    Write {
        name: write.name,
        etag: write.etag,
        at: write.at,
        sha256: write.sha256,
        mark,
    }
}

/// A fallback request that was accepted.
pub(crate) fn mailed(received: &Received) -> Mailed {
    // It was checked to be JSON when it was accepted.
    let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
    access::mailed(&body)
}

/// A message that waits, or a dead letter.
pub(crate) fn waiting(accepted: &Accepted) -> Waiting {
    let properties = &accepted.message.properties;
    Waiting {
        sequence: accepted.sequence,
        message_id: properties.message_id.clone(),
        session: properties.session_id.clone(),
    }
}
