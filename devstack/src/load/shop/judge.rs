//! The shoppers' judge: each session's blob is the cart that its last page confirmed, and no blob went back.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Cart;
use crate::load::evidence::{Blob, Mailed, Mark, Waiting, Write, blob_name};
use crate::load::judge::{Fates, Verdict, Violation};

/// What shoppers saw, and what is stored.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The cart last confirmed, by session.
    pub shown: BTreeMap<String, Cart>,
    /// Sessions whose last click got no answer.
    pub unsure: BTreeSet<String>,
    /// The blobs at the end, by name, and the cart in them where they hold one.
    pub blobs: BTreeMap<String, (Blob, Option<Cart>)>,
    /// Clicks that got no answer: each may have begun a session that nobody was shown.
    pub unanswered: usize,
    /// Every blob's name before the first click.
    pub names_before: BTreeSet<String>,
    /// Every blob's name at the end.
    pub names_after: BTreeSet<String>,
    /// Writes of blobs in the order in which they happened.
    pub writes: Vec<Write>,
    /// What was mailed.
    pub mailed: Vec<Mailed>,
    /// What waits in the queue.
    pub queued: Vec<Waiting>,
    /// What was dead-lettered.
    pub dead: Vec<Waiting>,
    /// Changes the storefront has not delivered.
    pub pending: u64,
}

/// Holds what is stored against what was shown.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    for (session, shown) in &evidence.shown {
        if !evidence.unsure.contains(session) {
            account_for(session, shown, evidence, &mut verdict);
        }
    }
    let mut newest: BTreeMap<&str, &Mark> = BTreeMap::new();
    for write in &evidence.writes {
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
    foreign(evidence, &mut verdict);
    if evidence.pending > 0 {
        verdict.violations.push(Violation::Pending {
            pending: evidence.pending,
        });
    }
    verdict
}

/// Every new blob belongs to a session that a page has shown, or that a click without an answer has begun.
fn foreign(evidence: &Evidence, verdict: &mut Verdict) {
    let known: BTreeSet<String> = evidence
        .shown
        .keys()
        .chain(&evidence.unsure)
        .map(|session| blob_name(session))
        .collect();
    let new = evidence.names_after.difference(&evidence.names_before);
    let foreign: Vec<&String> = new.filter(|name| !known.contains(*name)).collect();
    if foreign.len() > evidence.unanswered {
        let told = foreign.into_iter().cloned();
        let told = told.map(|name| Violation::Foreign { name });
        verdict.violations.extend(told);
    }
}

fn account_for(session: &str, shown: &Cart, evidence: &Evidence, verdict: &mut Verdict) {
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
        verdict.violations.push(Violation::NotTheCartShown {
            session: session.to_owned(),
            shown: shown.to_string(),
            blob,
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
mod tests {
    use super::*;

    fn cart(quantity: u64) -> Cart {
        Cart {
            lines: vec![(8, quantity)],
            complete: false,
        }
    }

    fn mark(sequence: u64) -> Mark {
        Mark {
            sequence: Some(sequence),
            ..Mark::default()
        }
    }

    fn write(sequence: u64) -> Write {
        Write {
            name: "A.json".to_owned(),
            etag: sequence.to_string(),
            at: time::OffsetDateTime::UNIX_EPOCH,
            sha256: String::new(),
            mark: mark(sequence),
        }
    }

    fn blob(sequence: u64) -> Blob {
        Blob {
            etag: sequence.to_string(),
            sha256: String::new(),
            mark: mark(sequence),
        }
    }

    fn fine() -> Evidence {
        Evidence {
            shown: BTreeMap::from([("A".to_owned(), cart(2))]),
            blobs: BTreeMap::from([("A.json".to_owned(), (blob(2), Some(cart(2))))]),
            names_after: BTreeSet::from(["A.json".to_owned()]),
            writes: vec![write(1), write(2)],
            ..Evidence::default()
        }
    }

    fn waiting(sequence: u64) -> Waiting {
        Waiting {
            sequence,
            message_id: None,
            session: Some("A".to_owned()),
        }
    }

    #[test]
    fn the_cart_shown_is_the_cart_stored() {
        assert!(judge(&fine()).kept());
    }

    #[test]
    fn a_lost_update_is_told_with_both_carts() {
        let mut evidence = fine();
        evidence.shown.insert("A".to_owned(), cart(3));
        let verdict = judge(&evidence);
        let text = verdict.violations[0].to_string();
        assert!(
            text.contains("[3 × product 8]") && text.contains("[2 × product 8]"),
            "{text}"
        );
        evidence.dead.push(waiting(1));
        assert!(!judge(&evidence).kept(), "an older letter is no excuse");
        evidence.dead.push(waiting(3));
        assert!(judge(&evidence).kept());
    }

    #[test]
    fn a_mail_accounts_for_the_cart_in_it_and_no_other() {
        let mut evidence = fine();
        evidence.shown.insert("A".to_owned(), cart(3));
        let mailed = |quantity| Mailed {
            session: Some("A".to_owned()),
            cart: Some(cart(quantity)),
            ..Mailed::default()
        };
        evidence.mailed = vec![mailed(4)];
        assert!(!judge(&evidence).kept());
        evidence.mailed = vec![mailed(3)];
        assert!(judge(&evidence).kept());
    }

    #[test]
    fn a_missing_blob_a_way_back_and_a_full_outbox_are_told() {
        let mut evidence = fine();
        evidence.blobs.clear();
        assert!(!judge(&evidence).kept());

        let mut evidence = fine();
        evidence.writes.push(write(1));
        assert!(matches!(
            judge(&evidence).violations.as_slice(),
            [Violation::WentBack { .. }]
        ));

        let evidence = Evidence {
            pending: 3,
            ..fine()
        };
        assert!(matches!(
            judge(&evidence).violations.as_slice(),
            [Violation::Pending { pending: 3 }]
        ));
    }

    #[test]
    fn a_blob_that_nobody_was_shown_is_told_unless_a_lost_click_explains_it() {
        let mut evidence = fine();
        evidence.names_after.insert("B.json".to_owned());
        assert!(matches!(
            judge(&evidence).violations.as_slice(),
            [Violation::Foreign { name }] if name == "B.json"
        ));
        evidence.unanswered = 1;
        assert!(
            judge(&evidence).kept(),
            "a click that nobody saw the end of"
        );
        evidence.unanswered = 0;
        evidence.names_before.insert("B.json".to_owned());
        assert!(judge(&evidence).kept());
    }

    #[test]
    fn whoever_got_no_answer_is_not_judged_by_what_they_saw() {
        let mut evidence = fine();
        evidence.shown.insert("A".to_owned(), cart(3));
        evidence.unsure.insert("A".to_owned());
        assert!(judge(&evidence).kept());
    }
}
