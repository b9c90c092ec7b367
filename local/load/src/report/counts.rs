//! How many of what.

use std::collections::HashSet;

use serde::Serialize;

use crate::evidence::{Evidence, Fate};

/// Messages by what the queue said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Carts that were due.
    pub due: u64,
    /// Of them, those that a newer one replaced before they were sent.
    pub replaced: u64,
    /// Those whose sending has come to an end.
    pub sent: usize,
    /// 201.
    pub accepted: usize,
    /// No.
    pub refused: usize,
    /// The answer never came.
    pub maybe: usize,
    /// Sent more than once.
    pub retried: usize,
    /// Accepted after a try without a clear answer: the queue may have had them twice.
    pub duplicates: usize,
}

/// Clicks by what the page said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clicks {
    /// All of them.
    pub clicks: u64,
    /// Those that changed a cart.
    pub confirmed: u64,
    /// Those that changed nothing, as the rules of the cart have it.
    pub without_effect: u64,
    /// Those turned away, or without an answer.
    pub failed: u64,
    /// Sessions whose last click never got an answer: what they see is not judged.
    pub unsure: usize,
}

impl Messages {
    pub(super) fn of(evidence: &Evidence, arrived: u64, replaced: u64) -> Self {
        let sent = &evidence.sent;
        let count = |is: fn(&Fate) -> bool| sent.iter().filter(|sent| is(&sent.fate)).count();
        Self {
            // After an interrupt nobody has counted.
            due: arrived.max(u64::try_from(sent.len()).unwrap_or(u64::MAX)),
            replaced,
            sent: sent.len(),
            accepted: evidence.accepted().count(),
            refused: count(|fate| matches!(fate, Fate::Refused(_))),
            maybe: count(|fate| *fate == Fate::Maybe),
            retried: sent.iter().filter(|sent| sent.tries > 1).count(),
            duplicates: evidence.accepted().filter(|sent| sent.unclear).count(),
        }
    }
}

/// E-mails about what was sent here; there may be older ones of other runs.
pub(super) fn mails(evidence: &Evidence) -> usize {
    let ours: HashSet<&str> = evidence
        .sent
        .iter()
        .map(|sent| sent.message_id.as_str())
        .collect();
    let ids = evidence.mailed.iter().map(|mailed| &mailed.message_id);
    ids.filter(|id| id.as_deref().is_some_and(|id| ours.contains(id)))
        .count()
}
