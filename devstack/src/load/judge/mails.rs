//! What is wrong with mails.

use super::Violation;
use super::index::Index;
use crate::load::evidence::{Evidence, Mailed};

/// An e-mail has the order it is about, whole.
pub(super) fn whole(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
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
