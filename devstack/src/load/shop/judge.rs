//! The shoppers' judge: each session's blob is the cart that its last page confirmed, and no blob went back.

use std::collections::{BTreeMap, BTreeSet};

use super::page::Cart;
use crate::load::evidence::{Mailed, Mark, Waiting, Write, blob_name};
use crate::load::judge::{Fates, Verdict, Violation};

/// What shoppers saw, and what is stored.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The cart last confirmed, by session.
    pub shown: BTreeMap<String, Cart>,
    /// Sessions whose last click got no answer.
    pub unsure: BTreeSet<String>,
    /// The blobs at the end, by name: their mark, and the cart in them where they hold one.
    pub blobs: BTreeMap<String, (Mark, Option<Cart>)>,
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
    if evidence.pending > 0 {
        verdict.violations.push(Violation::Pending {
            pending: evidence.pending,
        });
    }
    verdict
}

fn account_for(session: &str, shown: &Cart, evidence: &Evidence, verdict: &mut Verdict) {
    let blob = evidence.blobs.get(&blob_name(session));
    if blob.is_some_and(|(_, cart)| cart.as_ref() == Some(shown)) {
        verdict.fates.stored += 1;
        return;
    }
    // Only what came after the blob can be what was shown last.
    let stored = blob.and_then(|(mark, _)| mark.sequence).unwrap_or(0);
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
            Some((mark, None)) => format!("no cart ({})", describe(mark)),
            Some((mark, Some(cart))) => format!("{cart} ({})", describe(mark)),
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

    fn fine() -> Evidence {
        Evidence {
            shown: BTreeMap::from([("A".to_owned(), cart(2))]),
            blobs: BTreeMap::from([("A.json".to_owned(), (mark(2), Some(cart(2))))]),
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
    fn whoever_got_no_answer_is_not_judged_by_what_they_saw() {
        let mut evidence = fine();
        evidence.shown.insert("A".to_owned(), cart(3));
        evidence.unsure.insert("A".to_owned());
        assert!(judge(&evidence).kept());
    }
}
