//! The shoppers' judge: each session's blob is the cart that its last page confirmed, and no blob
//! went back.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Blob, Cart, Mailed, Mark, Waiting, Write, blob_name};
use crate::judge::{Fates, Verdict, Violation};

/// What shoppers saw, and what is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct ShopEvidence {
    /// The cart last confirmed, by session.
    pub(super) shown: BTreeMap<String, Cart>,
    /// Pages that the clicks do not explain.
    pub(super) unexplained: Vec<Violation>,
    /// Sessions whose cart nobody could look at in the end.
    pub(super) unsure: BTreeSet<String>,
    /// The blobs at the end, by name, and the cart in them where they hold one.
    pub(super) blobs: BTreeMap<String, (Blob, Option<Cart>)>,
    /// Every blob's name before the first click.
    pub(super) names_before: BTreeSet<String>,
    /// Every blob's name at the end.
    pub(super) names_after: BTreeSet<String>,
    /// Writes of blobs in the order in which they happened.
    pub(super) writes: Vec<Write>,
    /// What was mailed.
    pub(super) mailed: Vec<Mailed>,
    /// What waits in the queue.
    pub(super) queued: Vec<Waiting>,
    /// What was dead-lettered.
    pub(super) dead: Vec<Waiting>,
    /// Changes the storefront has not delivered, beyond those of before the first click.
    pub(super) pending: u64,
}

impl ShopEvidence {
    /// Those of these shoppers.
    pub(super) fn sessions(&self) -> BTreeSet<&String> {
        self.shown.keys().chain(&self.unsure).collect()
    }
}

/// Holds what is stored against what was shown.
#[must_use]
pub(super) fn judge_shop(evidence: &ShopEvidence) -> Verdict {
    let mut verdict = Verdict {
        violations: evidence.unexplained.clone(),
        ..Verdict::default()
    };
    for (session, shown) in &evidence.shown {
        if !evidence.unsure.contains(session) {
            account_for(session, shown, evidence, &mut verdict);
        }
    }
    let ours: BTreeSet<String> = evidence.sessions().iter().map(|it| blob_name(it)).collect();
    let mut newest: BTreeMap<&str, &Mark> = BTreeMap::new();
    for write in &evidence.writes {
        if !ours.contains(&write.name) {
            continue;
        }
        if write.mark.message_id.is_none() {
            // What the storefront sends has an id: somebody else has written here.
            verdict.violations.push(Violation::Unknown {
                name: write.name.clone(),
                message_id: None,
            });
        }
        let before = newest.insert(&write.name, &write.mark);
        if let Some(before) = before
            && before.sequence > write.mark.sequence
        {
            verdict.violations.push(Violation::WentBack {
                name: write.name.clone(),
                from: describe(before),
                to: describe(&write.mark),
            });
        }
    }
    verdict.foreign = foreign(evidence, &ours);
    if evidence.pending > 0 {
        verdict.violations.push(Violation::Pending {
            pending: evidence.pending,
        });
    }
    verdict
}

/// Blobs of sessions that none of these shoppers was shown: other people's, or one that a click
/// without an answer has begun.
fn foreign(evidence: &ShopEvidence, ours: &BTreeSet<String>) -> BTreeSet<String> {
    let new = evidence.names_after.difference(&evidence.names_before);
    let written = evidence.writes.iter().map(|write| &write.name);
    let all = new.chain(written);
    all.filter(|name| !ours.contains(*name)).cloned().collect()
}

fn account_for(session: &str, shown: &Cart, evidence: &ShopEvidence, verdict: &mut Verdict) {
    let blob = evidence.blobs.get(&blob_name(session));
    if blob.is_some_and(|(_, cart)| cart.as_ref() == Some(shown)) {
        verdict.fates.stored += 1;
        return;
    }
    // Only what came after the blob can be what was shown last.
    let stored = blob.and_then(|(blob, _)| blob.mark.sequence);
    let stored = stored.unwrap_or(0);
    let waits = |all: &[Waiting]| {
        all.iter()
            .any(|one| one.session.as_deref() == Some(session) && one.sequence > stored)
    };
    let is_mailed = evidence.mailed.iter().any(|mailed| {
        mailed.session.as_deref() == Some(session) && mailed.cart.as_ref() == Some(shown)
    });
    let Fates {
        mailed,
        queued,
        dead_lettered,
        lost,
        ..
    } = &mut verdict.fates;
    if is_mailed {
        *mailed += 1;
    } else if waits(&evidence.queued) {
        *queued += 1;
    } else if waits(&evidence.dead) {
        *dead_lettered += 1;
    } else {
        *lost += 1;
        let blob = match blob {
            None => "there is none".to_owned(),
            Some((blob, None)) => format!("no cart ({})", describe(&blob.mark)),
            Some((blob, Some(cart))) => format!("{cart} ({})", describe(&blob.mark)),
        };
        let session = session.to_owned();
        verdict.violations.push(match shown.complete {
            true => Violation::PlacedOrder {
                session,
                placed: shown.to_string(),
                blob,
            },
            false => Violation::NotTheCartShown {
                session,
                shown: shown.to_string(),
                blob,
            },
        });
    }
}

fn describe(mark: &Mark) -> String {
    let id = mark.message_id.as_deref().unwrap_or("no message id");
    mark.sequence.map_or_else(
        || format!("no number, {id}"),
        |number| format!("#{number}, {id}"),
    )
}

#[cfg(test)]
mod tests;
