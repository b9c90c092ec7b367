//! What is fine passes, and each way to break the promise is named.

mod others;

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
        sha256: Some(sent(session, revision).sha256),
        is_unreadable: false,
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

// Where accepted carts may be, and where not.

#[test]
fn a_message_may_also_be_mailed_queued_or_dead_lettered() {
    let mut evidence = fine();
    evidence.sent.extend([sent(A, 3), sent(A, 4), sent(A, 5)]);
    assert_eq!(words(&evidence), ["lost", "lost", "lost"]);
    evidence.mailed.push(mailed(A, 3, 5));
    evidence.queued.push(waiting(A, 4, 6));
    evidence.dead.push(waiting(A, 5, 7));
    let verdict = judge(&evidence);
    assert!(verdict.kept(), "{:?}", verdict.violations);
    let fates = verdict.fates;
    assert_eq!((fates.mailed, fates.queued, fates.dead_lettered), (1, 1, 1));
}

#[test]
fn a_lost_message_is_told_with_its_session_and_id() {
    let mut evidence = fine();
    evidence.sent.push(sent(B, 3));
    let verdict = judge(&evidence);
    let [violation] = verdict.violations.as_slice() else {
        panic!("{:?}", verdict.violations)
    };
    let text = violation.to_string();
    assert!(
        text.contains("cart 3 of BBBB") && text.contains("#4, cart 2 (BBBB-2)"),
        "{text}"
    );
    assert_eq!(verdict.fates.lost, 1);
}

#[test]
fn a_session_without_a_blob_is_lost() {
    let mut evidence = fine();
    evidence.writes.retain(|write| write.name != blob_name(A));
    evidence.blobs.remove(&blob_name(A));
    assert_eq!(words(&evidence), ["lost", "lost"]);
}

#[test]
fn a_later_mail_does_not_make_up_for_an_earlier_cart_that_is_gone() {
    let mut evidence = fine();
    evidence.sent.extend([sent(A, 3), sent(A, 4)]);
    evidence.mailed.push(mailed(A, 4, 6));
    assert_eq!(words(&evidence), ["lost"]);
}

#[test]
fn what_the_queue_did_not_clearly_accept_may_be_missing_or_stored() {
    let mut evidence = fine();
    let maybe = Sent {
        fate: Fate::Maybe,
        ..sent(A, 3)
    };
    evidence.sent.push(maybe);
    assert!(words(&evidence).is_empty());
    apply(&mut evidence, write(A, 3, 5));
    assert!(words(&evidence).is_empty());
}

// Messages that are no orders.

/// The same message, but no order.
fn poison(session: &str, revision: u64) -> Sent {
    Sent {
        order_sha256: None,
        ..sent(session, revision)
    }
}

fn mailed_raw(session: &str, revision: u64, sequence: u64) -> Mailed {
    Mailed {
        is_unreadable: true,
        ..mailed(session, revision, sequence)
    }
}

#[test]
fn poison_may_be_mailed_queued_or_dead_lettered() {
    let mut evidence = fine();
    let poisons = [poison(A, 3), poison(A, 4), poison(A, 5)];
    evidence.sent.extend(poisons);
    evidence.mailed.push(Mailed {
        session: None,
        ..mailed_raw(A, 3, 5)
    });
    evidence.queued.push(waiting(A, 4, 6));
    evidence.dead.push(waiting(A, 5, 7));
    let verdict = judge(&evidence);
    assert!(verdict.kept(), "{:?}", verdict.violations);
    let expected = PoisonFates {
        mailed: 1,
        queued: 1,
        dead_lettered: 1,
        lost: 0,
    };
    assert_eq!(verdict.poison, expected);
    assert_eq!(
        verdict.fates,
        judge(&fine()).fates,
        "carts are counted apart"
    );
}

#[test]
fn a_later_cart_does_not_make_up_for_poison_that_is_gone() {
    let mut evidence = fine();
    evidence.sent.extend([poison(A, 3), sent(A, 4)]);
    apply(&mut evidence, write(A, 4, 6));
    assert_eq!(words(&evidence), ["poison lost"]);
    assert_eq!(judge(&evidence).poison.lost, 1);
}

#[test]
fn poison_must_not_be_stored_not_even_when_it_was_mailed_too() {
    let mut evidence = fine();
    evidence.sent.push(poison(A, 3));
    evidence.mailed.push(mailed_raw(A, 3, 5));
    assert!(words(&evidence).is_empty());
    let poison_stored = "poison stored".to_owned();

    let mut in_the_history = evidence.clone();
    in_the_history.writes.insert(2, write(A, 3, 5));
    assert!(words(&in_the_history).contains(&poison_stored));

    let mut in_the_end = evidence.clone();
    in_the_end.blobs.get_mut(&blob_name(A)).unwrap().mark = mark(A, 3, 5);
    assert!(words(&in_the_end).contains(&poison_stored));

    // For a session that it names itself, as nobody of ours is called.
    let mut elsewhere = evidence;
    elsewhere.writes.push(Write {
        name: "SSSS.json".to_owned(),
        ..write(A, 3, 5)
    });
    assert_eq!(words(&elsewhere), ["poison stored"]);
    elsewhere.alone = true;
    assert_eq!(words(&elsewhere), ["poison stored", "foreign"]);
}

#[test]
fn poison_is_mailed_with_every_byte_and_for_nobody_else() {
    let mut evidence = fine();
    evidence.sent.push(poison(A, 3));
    let right = mailed_raw(A, 3, 5);
    for wrong in [
        Mailed {
            sha256: None,
            ..right.clone()
        },
        Mailed {
            sha256: Some(sha256(b"other")),
            ..right.clone()
        },
        Mailed {
            session: Some(B.to_owned()),
            ..right.clone()
        },
        mailed(A, 3, 5),
    ] {
        evidence.mailed = vec![wrong];
        assert_eq!(words(&evidence), ["mail"]);
    }
    evidence.mailed = vec![right];
    assert!(words(&evidence).is_empty());
}

// What blobs hold, and have held.

#[test]
fn a_blob_that_went_back_is_told_although_it_recovered() {
    let mut evidence = fine();
    apply(
        &mut evidence,
        Write {
            etag: "back".to_owned(),
            ..write(A, 1, 1)
        },
    );
    apply(
        &mut evidence,
        Write {
            etag: "again".to_owned(),
            ..write(A, 2, 3)
        },
    );
    assert_eq!(words(&evidence), ["went back"]);
}

#[test]
fn a_blob_that_went_back_for_good_loses_the_newer_cart_too() {
    let mut evidence = fine();
    apply(
        &mut evidence,
        Write {
            etag: "back".to_owned(),
            ..write(A, 1, 1)
        },
    );
    assert_eq!(words(&evidence), ["lost", "went back"]);
}

#[test]
fn an_old_cart_under_a_new_number_went_back_too() {
    // What a resend instead of a redrive would do.
    let mut evidence = fine();
    apply(&mut evidence, write(A, 1, 9));
    let words = words(&evidence);
    assert!(words.contains(&"went back".to_owned()), "{words:?}");
    assert!(words.contains(&"two numbers".to_owned()), "{words:?}");
}

#[test]
fn numbers_that_restart_with_a_new_queue_are_not_a_way_back() {
    let mut evidence = fine();
    evidence.sent.push(sent(A, 3));
    let mut restarted = write(A, 3, 1);
    restarted.etag = "restarted".to_owned();
    restarted.mark.sequence = Some(2);
    restarted.mark.enqueued = Some(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_000));
    apply(&mut evidence, restarted);
    assert!(!words(&evidence).contains(&"went back".to_owned()));
}

#[test]
fn altered_bytes_are_told_in_the_history_and_at_the_end() {
    let mut evidence = fine();
    evidence.writes[0].sha256 = sha256(b"other");
    assert_eq!(words(&evidence), ["altered"]);

    let mut evidence = fine();
    evidence.blobs.get_mut(&blob_name(B)).unwrap().sha256 = sent(B, 1).sha256;
    let verdict = judge(&evidence);
    let text = verdict.violations[0].to_string();
    assert!(
        text.starts_with("altered") && text.contains("published as BBBB-1"),
        "{text}"
    );
}

#[test]
fn a_cart_in_the_blob_of_another_session_is_told() {
    let mut evidence = fine();
    let wrong = Write {
        name: blob_name(A),
        ..write(B, 2, 4)
    };
    apply(&mut evidence, wrong);
    let words = words(&evidence);
    assert!(words.contains(&"wrong session".to_owned()), "{words:?}");
    assert!(words.contains(&"lost".to_owned()), "{words:?}");
}

#[test]
fn content_without_a_known_message_is_told() {
    let mut evidence = fine();
    apply(
        &mut evidence,
        Write {
            mark: Mark::default(),
            ..write(A, 2, 9)
        },
    );
    assert!(words(&evidence).contains(&"unknown".to_owned()));
}

#[test]
fn a_refused_message_must_not_be_stored() {
    let mut evidence = fine();
    evidence.sent[3].fate = Fate::Refused(401);
    assert_eq!(words(&evidence), ["refused and stored"]);
}

#[test]
fn a_blob_that_is_not_its_last_write_is_told() {
    let mut evidence = fine();
    evidence.blobs.get_mut(&blob_name(A)).unwrap().etag = "other".to_owned();
    assert_eq!(words(&evidence), ["not the last write"]);
    evidence.writes_are_complete = false;
    assert!(words(&evidence).is_empty());
}

// What is in mails.

#[test]
fn a_mail_with_half_an_order_or_for_another_session_is_told() {
    let mut evidence = fine();
    evidence.mailed.push(Mailed {
        sha256: None,
        ..mailed(A, 1, 1)
    });
    evidence.mailed.push(Mailed {
        session: Some(B.to_owned()),
        ..mailed(A, 1, 1)
    });
    assert_eq!(words(&evidence), ["mail", "mail"]);
}
