//! What is wrong with mails.

use super::Violation;
use super::index::Index;
use crate::evidence::{Evidence, Mailed, Sent};

/// An e-mail has the order it is about, whole; of poison, every byte.
pub(super) fn whole(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    for mailed in &evidence.mailed {
        let Some(sent) = mailed.message_id.as_deref().and_then(|id| index.sent(id)) else {
            continue; // someone else's order
        };
        let whole = match &sent.order_sha256 {
            Some(order) => mailed.order_sha256.as_ref() == Some(order),
            None => mailed.raw_sha256.as_ref() == Some(&sent.sha256),
        };
        let for_another = mailed.session.as_ref();
        if !whole || for_another.is_some_and(|session| *session != sent.session) {
            found.push(violation(sent, mailed));
        }
    }
}

fn violation(sent: &Sent, mailed: &Mailed) -> Violation {
    let (what, expected, found) = match &sent.order_sha256 {
        Some(order) => ("an order", order, &mailed.order_sha256),
        None => ("bytes", &sent.sha256, &mailed.raw_sha256),
    };
    Violation::Mail {
        message_id: sent.message_id.clone(),
        session: sent.session.clone(),
        what,
        expected: expected.clone(),
        found: found.clone(),
        mailed_for: mailed.session.clone(),
    }
}
