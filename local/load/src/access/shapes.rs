//! What the stack answers: the one place that knows its shapes.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::OffsetDateTime;

use crate::evidence::{Mark, Waiting, Write};

/// One entry of the history.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryEntry {
    pub(crate) container: String,
    name: String,
    pub(crate) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    sha256: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl From<HistoryEntry> for Write {
    fn from(entry: HistoryEntry) -> Self {
        let mark = Mark::read(|name| entry.metadata.get(name).cloned());
        Self {
            name: entry.name,
            etag: entry.etag,
            at: entry.at,
            sha256: entry.sha256.to_ascii_lowercase(),
            mark,
        }
    }
}

/// A message that waits, or a dead letter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    sequence: u64,
    message_id: Option<String>,
    session_id: Option<String>,
}

impl From<Message> for Waiting {
    fn from(message: Message) -> Self {
        Self {
            sequence: message.sequence,
            message_id: message.message_id,
            session: message.session_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_history_is_read() {
        let entry = r#"{"container":"orders","name":"S.json","etag":"\"0x1\"","at":"2026-05-04T09:30:10.123Z","length":2,
            "sha256":"AB","metadata":{"sequence":"12","enqueued":"2026-05-04T09:30:10Z","messageid":"m"}}"#;
        let write = Write::from(serde_json::from_str::<HistoryEntry>(entry).expect("an entry"));
        assert_eq!(write.mark.sequence, Some(12));
        assert!(write.mark.enqueued.is_some());
        assert_eq!(
            (write.sha256.as_str(), write.mark.message_id.as_deref()),
            ("ab", Some("m"))
        );
    }
}
