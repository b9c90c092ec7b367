//! What is wrong with blobs: in each write of the run, and at its end.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
use super::violation::Violation;
use crate::evidence::{Evidence, Fate, Mark, Sent};

/// Every blob has always held what was published for its session, and no blob of another session
/// what was published here.
pub(super) fn contents(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
    let writes = evidence.writes.iter();
    let writes = writes.map(|write| (&write.name, &write.sha256, &write.mark));
    let blobs = evidence.blobs.iter();
    let blobs = blobs.map(|(name, blob)| (name, &blob.sha256, &blob.mark));
    for (name, sha256, mark) in writes.chain(blobs) {
        content(name, sha256, mark, evidence, index, found);
    }
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
    let known = mark.message_id.as_deref().and_then(|id| index.sent(id));
    let Some(session) = index.session_of(name) else {
        // Somebody else's, unless something of ours has got into it.
        if let Some(ours) = known.or_else(|| index.order_of(sha256)) {
            found.push(astray(name, ours));
        }
        return;
    };
    let Some(sent) = known else {
        return found.push(Violation::Unknown {
            name: name.to_owned(),
            message_id: mark.message_id.clone(),
        });
    };
    if sent.is_poison() || sent.session != session {
        return found.push(astray(name, sent));
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

/// A message in a blob that it has no business in.
fn astray(name: &str, sent: &Sent) -> Violation {
    let (name, message_id) = (name.to_owned(), sent.message_id.clone());
    if sent.is_poison() {
        return Violation::PoisonStored { name, message_id };
    }
    Violation::WrongSession {
        name,
        message_id,
        session: sent.session.clone(),
    }
}

/// The writes of each blob, and its state at the end, rise by number and by revision.
pub(super) fn went_back(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
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
    if evidence.writes_are_complete {
        not_the_last_write(evidence, index, found);
    }
}

/// Each blob is as it was last written.
fn not_the_last_write(evidence: &Evidence, index: &Index<'_>, found: &mut Vec<Violation>) {
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

/// Blobs that were written or came into being for sessions that nobody sent here.
pub(super) fn foreign(evidence: &Evidence, index: &Index<'_>) -> BTreeSet<String> {
    let written = evidence.writes.iter().map(|write| &write.name);
    let new = evidence
        .names_after
        .iter()
        .filter(|name| !evidence.names_before.contains(*name));
    let names = written.chain(new);
    names
        .filter(|name| index.session_of(name).is_none())
        .cloned()
        .collect()
}
