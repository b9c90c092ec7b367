//! The judge: every accepted cart is stored at its number or a later one, or mailed, or still
//! waits; and no blob ever went back, holds other bytes than were published for its session, or
//! belongs to nobody. Poison, which is no order, is mailed or still waits, and is never stored.
//!
//! The order of a session's messages is known twice over: by the numbers the queue gave them, as
//! far as they can be seen, and by the order of sending, since the next cart of a session is sent
//! only after the queue has clearly answered for the one before. The judge holds the blobs to both.
//!
//! Sessions of others, carts of an earlier run or of a shopper who clicks meanwhile, are noted and
//! not judged: nobody here knows what they sent. What was sent here is looked for in their blobs
//! all the same, by message id and by its bytes.

mod blobs;
mod index;
mod violation;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::evidence::{Blob, Evidence, Mailed, Sent, blob_name};
use index::Index;
pub use violation::Violation;

/// What became of the messages, and what is wrong with it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Where the accepted carts are.
    pub fates: Fates,
    /// Where the accepted messages are that are no orders.
    pub poison: PoisonFates,
    /// Every breach of the promise; none when it was kept.
    pub violations: Vec<Violation>,
    /// Blobs of sessions that are not of this run, and were written or came into being during it.
    pub foreign: BTreeSet<String>,
}

impl Verdict {
    /// Whether the promise was kept.
    #[must_use]
    pub fn kept(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Where accepted carts are. Each is counted once, at the first place in this order.
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

/// Where poison is: nothing can store it, and nothing may. Each is counted once, at the first place
/// in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoisonFates {
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
    let index = Index::new(evidence);
    let mut verdict = Verdict {
        violations: index.conflicts.clone(),
        ..Verdict::default()
    };
    for sent in evidence.accepted() {
        if sent.is_poison() {
            account_for_poison(sent, &index, &mut verdict);
        } else {
            account_for(sent, evidence, &index, &mut verdict);
        }
    }
    let found = &mut verdict.violations;
    blobs::contents(evidence, &index, found);
    blobs::went_back(evidence, &index, found);
    let foreign = blobs::foreign(evidence, &index);
    if evidence.alone {
        found.extend(
            foreign
                .iter()
                .map(|name| Violation::Foreign { name: name.clone() }),
        );
    }
    mails_are_whole(evidence, &index, found);
    found.dedup();
    verdict.foreign = foreign;
    verdict
}

/// Where one accepted message is that is no order: its session's blob says nothing of it.
fn account_for_poison(sent: &Sent, index: &Index<'_>, verdict: &mut Verdict) {
    let (id, poison) = (&sent.message_id, &mut verdict.poison);
    if index.mailed.contains_key(id.as_str()) {
        poison.mailed += 1;
    } else if index.queued.contains(id.as_str()) {
        poison.queued += 1;
    } else if index.dead.contains(id.as_str()) {
        poison.dead_lettered += 1;
    } else {
        poison.lost += 1;
        verdict.violations.push(Violation::PoisonLost {
            message_id: id.clone(),
            session: sent.session.clone(),
        });
    }
}

/// Where one accepted cart is.
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

/// An e-mail has the order it is about, or the poison, byte for byte.
fn mails_are_whole(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    for mailed in &evidence.mailed {
        let Some(sent) = mailed.message_id.as_deref().and_then(|id| index.sent(id)) else {
            // Someone else's order.
            continue;
        };
        let whole = mailed.sha256.as_ref() == Some(&sent.sha256)
            && mailed.is_unreadable == sent.is_poison();
        let for_another = mailed.session.as_ref();
        if !whole || for_another.is_some_and(|session| *session != sent.session) {
            found.push(mail_violation(sent, mailed));
        }
    }
}

fn mail_violation(sent: &Sent, mailed: &Mailed) -> Violation {
    let what = if sent.is_poison() {
        "bytes"
    } else {
        "an order"
    };
    Violation::Mail {
        message_id: sent.message_id.clone(),
        session: sent.session.clone(),
        what,
        expected: sent.sha256.clone(),
        found: mailed.sha256.clone(),
        mailed_for: mailed.session.clone(),
    }
}
