//! The judge: every accepted message is stored at its number or a later one, or mailed, or still waits; and no
//! blob ever went back, holds other bytes than were published for its session, or belongs to nobody.
//!
//! The order of a session's messages is known twice over: by the numbers the queue gave them, as far as they can
//! be seen, and by the order of sending, since the next cart of a session is sent only after the queue has
//! clearly answered for the one before. The judge holds the blobs to both.

mod index;
mod violation;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{Blob, Evidence, Fate, Mailed, Mark, Sent, blob_name};
use index::Index;
pub use violation::Violation;

/// What became of the messages, and what is wrong with it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Where the accepted messages are.
    pub fates: Fates,
    /// Every breach of the promise; none when it was kept.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether the promise was kept.
    #[must_use]
    pub fn kept(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Where accepted messages are. Each is counted once, at the first place in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fates {
    /// It is the session's blob.
    pub stored: usize,
    /// The session's blob is a later one.
    pub superseded: usize,
    /// It was mailed to a person.
    pub mailed: usize,
    /// It is still in the queue.
    pub queued: usize,
    /// It is in the dead-letter queue.
    pub dead_lettered: usize,
    /// It is nowhere.
    pub lost: usize,
}

/// Holds what can be seen against what was sent.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let index = Index::of(evidence);
    let mut verdict = Verdict {
        violations: index.conflicts.clone(),
        fates: Fates::default(),
    };
    for sent in &evidence.sent {
        if sent.fate == Fate::Accepted {
            account_for(sent, evidence, &index, &mut verdict);
        }
    }
    let found = &mut verdict.violations;
    for write in &evidence.writes {
        content(
            &write.name,
            &write.sha256,
            &write.mark,
            evidence,
            &index,
            found,
        );
    }
    for (name, blob) in &evidence.blobs {
        content(name, &blob.sha256, &blob.mark, evidence, &index, found);
    }
    went_back(evidence, &index, found);
    foreign(evidence, &index, found);
    mails(evidence, &index, found);
    found.dedup();
    verdict
}

/// Where one accepted message is.
fn account_for(sent: &Sent, evidence: &Evidence, index: &Index<'_>, verdict: &mut Verdict) {
    let blob = evidence.blobs.get(&blob_name(&sent.session));
    let id = &sent.message_id;
    let fates = &mut verdict.fates;
    let here = blob.is_some_and(|blob| blob.mark.message_id.as_ref() == Some(id));
    if here {
        fates.stored += 1;
    } else if blob.is_some_and(|blob| is_later(blob, sent, index)) {
        fates.superseded += 1;
    } else if index.mailed.contains_key(id.as_str()) {
        fates.mailed += 1;
    } else if index.queued.contains(id.as_str()) {
        fates.queued += 1;
    } else if index.dead.contains(id.as_str()) {
        fates.dead_lettered += 1;
    } else {
        fates.lost += 1;
        verdict.violations.push(Violation::Lost {
            session: sent.session.clone(),
            revision: sent.revision,
            message_id: id.clone(),
            number: index.number(id),
            blob: blob.map_or_else(
                || "there is none".to_owned(),
                |blob| index.shown(&blob.mark),
            ),
        });
    }
}

/// Whether the blob holds a later message of the session, by both orders where both are known.
fn is_later(blob: &Blob, sent: &Sent, index: &Index<'_>) -> bool {
    let Some(id) = &blob.mark.message_id else {
        return false;
    };
    let Some(in_blob) = index.sent(id).filter(|other| other.session == sent.session) else {
        return false;
    };
    let later_number = match (index.number(id), index.number(&sent.message_id)) {
        (Some(in_blob), Some(ours)) => in_blob > ours,
        _ => true,
    };
    later_number && in_blob.revision > sent.revision
}

/// The bytes are those that were published under the message id they carry, for this very session.
fn content(
    name: &str,
    sha256: &str,
    mark: &Mark,
    evidence: &Evidence,
    index: &Index<'_>,
    found: &mut Vec<Violation>,
) {
    let Some(session) = index.session_of(name) else {
        return; // a stranger's: `foreign` tells
    };
    let known = mark.message_id.as_deref().and_then(|id| index.sent(id));
    let Some(sent) = known else {
        return found.push(Violation::Unknown {
            name: name.to_owned(),
            message_id: mark.message_id.clone(),
        });
    };
    if sent.session != session {
        return found.push(Violation::WrongSession {
            name: name.to_owned(),
            message_id: sent.message_id.clone(),
            session: sent.session.clone(),
        });
    }
    if let Fate::Refused(status) = sent.fate {
        found.push(Violation::Refused {
            name: name.to_owned(),
            message_id: sent.message_id.clone(),
            status,
        });
    }
    if sent.sha256 != sha256 {
        let whose = evidence.sent.iter().find(|other| other.sha256 == sha256);
        found.push(Violation::Altered {
            name: name.to_owned(),
            message_id: sent.message_id.clone(),
            expected: sent.sha256.clone(),
            found: sha256.to_owned(),
            published_as: whose.map(|other| other.message_id.clone()),
        });
    }
}

/// The writes of each blob, and its state at the end, rise by number and by revision.
fn went_back(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    let mut newest: BTreeMap<&str, (&str, &Mark)> = BTreeMap::new();
    let at_end = evidence
        .blobs
        .iter()
        .map(|(name, blob)| (name.as_str(), blob.etag.as_str(), &blob.mark));
    let writes = evidence
        .writes
        .iter()
        .map(|write| (write.name.as_str(), write.etag.as_str(), &write.mark));
    for (name, etag, mark) in writes.chain(at_end) {
        if index.session_of(name).is_none() {
            continue;
        }
        if let Some((_, before)) = newest.insert(name, (etag, mark))
            && index.is_older(mark, before)
        {
            found.push(Violation::WentBack {
                name: name.to_owned(),
                from: index.shown(before),
                to: index.shown(mark),
            });
        }
    }
    if !evidence.writes_are_complete {
        return;
    }
    let last: BTreeMap<&str, &str> = evidence
        .writes
        .iter()
        .map(|write| (write.name.as_str(), write.etag.as_str()))
        .collect();
    for (name, etag) in last {
        let blob = evidence.blobs.get(name);
        if index.session_of(name).is_some() && blob.is_none_or(|blob| blob.etag != etag) {
            found.push(Violation::NotTheLastWrite {
                name: name.to_owned(),
                last: etag.to_owned(),
                found: blob.map(|blob| blob.etag.clone()),
            });
        }
    }
}

/// No blob came into being for a session that nobody sent.
fn foreign(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    let written = evidence.writes.iter().map(|write| &write.name);
    let new = evidence
        .names_after
        .iter()
        .filter(|name| !evidence.names_before.contains(*name));
    let names: std::collections::BTreeSet<&String> = written.chain(new).collect();
    for name in names {
        if index.session_of(name).is_none() {
            found.push(Violation::Foreign { name: name.clone() });
        }
    }
}

/// An e-mail has the order it is about, whole.
fn mails(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    for mailed in &evidence.mailed {
        let Some(sent) = mailed.message_id.as_deref().and_then(|id| index.sent(id)) else {
            continue; // someone else's order
        };
        let Mailed {
            session,
            order_sha256,
            ..
        } = mailed;
        let whole = order_sha256.as_ref() == Some(&sent.order_sha256);
        if !whole
            || session
                .as_ref()
                .is_some_and(|session| *session != sent.session)
        {
            found.push(Violation::Mail {
                message_id: sent.message_id.clone(),
                session: sent.session.clone(),
                expected: sent.order_sha256.clone(),
                found: order_sha256.clone(),
                mailed_for: session.clone(),
            });
        }
    }
}
