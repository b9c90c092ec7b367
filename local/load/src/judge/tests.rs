//! What is fine passes, and each way to break the promise is named.

mod accounts;
mod blobs;
mod mails;
mod poison;

use time::OffsetDateTime;

use super::*;
use crate::evidence::{Fate, Mailed, Mark, Waiting, Write, sha256};

const A: &str = "AAAA";
const B: &str = "BBBB";

fn body(session: &str, revision: u64) -> String {
    format!("{{\"id\":\"{session}\",\"revision\":{revision}}}")
}

fn sent(session: &str, revision: u64) -> Sent {
    let sha256 = sha256(body(session, revision).as_bytes());
    Sent {
        session: session.to_owned(),
        revision,
        message_id: format!("{session}-{revision}"),
        order_sha256: Some(sha256.clone()),
        sha256,
        fate: Fate::Accepted,
        tries: 1,
        unclear: false,
        due: OffsetDateTime::UNIX_EPOCH,
        answered: OffsetDateTime::UNIX_EPOCH,
    }
}

fn mark(session: &str, revision: u64, sequence: u64) -> Mark {
    Mark {
        sequence: Some(sequence),
        enqueued: Some(
            OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(sequence.cast_signed()),
        ),
        message_id: Some(format!("{session}-{revision}")),
    }
}

fn write(session: &str, revision: u64, sequence: u64) -> Write {
    Write {
        name: blob_name(session),
        etag: format!("{session}{sequence}"),
        at: OffsetDateTime::UNIX_EPOCH,
        sha256: sent(session, revision).sha256,
        mark: mark(session, revision, sequence),
    }
}

/// Two sessions, two carts each: all stored or superseded.
fn fine() -> Evidence {
    let mut evidence = Evidence {
        sent: vec![sent(A, 1), sent(B, 1), sent(A, 2), sent(B, 2)],
        writes_are_complete: true,
        ..Evidence::default()
    };
    for write in [
        write(A, 1, 1),
        write(B, 1, 2),
        write(A, 2, 3),
        write(B, 2, 4),
    ] {
        apply(&mut evidence, write);
    }
    evidence
}

/// A write, and the blob it makes.
fn apply(evidence: &mut Evidence, write: Write) {
    let blob = Blob {
        etag: write.etag.clone(),
        sha256: write.sha256.clone(),
        mark: write.mark.clone(),
    };
    evidence.blobs.insert(write.name.clone(), blob);
    evidence.names_after.insert(write.name.clone());
    evidence.writes.push(write);
}

fn mailed(session: &str, revision: u64, sequence: u64) -> Mailed {
    Mailed {
        message_id: Some(format!("{session}-{revision}")),
        session: Some(session.to_owned()),
        sequence: Some(sequence),
        order_sha256: sent(session, revision).order_sha256,
        raw_sha256: None,
        cart: None,
    }
}

fn waiting(session: &str, revision: u64, sequence: u64) -> Waiting {
    Waiting {
        sequence,
        message_id: Some(format!("{session}-{revision}")),
        session: Some(session.to_owned()),
    }
}

/// What the judge says: the first word of each violation.
fn words(evidence: &Evidence) -> Vec<String> {
    let verdict = judge(evidence);
    let words = verdict.violations.iter().map(|violation| {
        let text = violation.to_string();
        text.split(':').next().unwrap().to_owned()
    });
    words.collect()
}

#[test]
fn a_promise_that_was_kept_is_kept() {
    let verdict = judge(&fine());
    assert!(verdict.kept(), "{:?}", verdict.violations);
    assert_eq!(
        verdict.fates,
        Fates {
            stored: 2,
            superseded: 2,
            ..Fates::default()
        }
    );
}

#[test]
fn one_message_in_two_conflicting_places_is_told() {
    let mut evidence = fine();
    evidence.queued.push(waiting(A, 2, 3));
    evidence.dead.push(waiting(A, 2, 3));
    assert_eq!(words(&evidence), ["queued and dead"]);

    let mut evidence = fine();
    evidence.dead.push(waiting(A, 2, 4));
    assert_eq!(words(&evidence), ["two numbers", "same number"]);
}
