//! The judge's evidence out of a stack in this process: complete, however many messages there were.

use bus::Accepted;
use load::evidence::{Mailed, Mark, Waiting, Write};
use logic_app::Received;

/// An accepted write of a blob.
pub(super) fn write(write: blob::Write) -> Write {
    let mark = Mark::read(|name| write.metadata.get(name).cloned());
    Write {
        name: write.name,
        etag: write.etag,
        at: write.at,
        sha256: write.sha256,
        mark,
    }
}

/// A fallback request that was accepted.
pub(super) fn mailed(received: &Received) -> Mailed {
    // It was checked to be JSON when it was accepted.
    Mailed::read(&serde_json::from_slice(&received.body).unwrap_or_default())
}

/// A message that waits, or a dead letter.
pub(super) fn waiting(accepted: &Accepted) -> Waiting {
    let properties = &accepted.message.properties;
    Waiting {
        sequence: accepted.sequence,
        message_id: properties.message_id.clone(),
        session: properties.session_id.clone(),
    }
}
