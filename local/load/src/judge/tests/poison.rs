//! Messages that are no orders.

use super::*;

/// The same message, but no order.
fn poison(session: &str, revision: u64) -> Sent {
    Sent {
        order_sha256: None,
        ..sent(session, revision)
    }
}

fn mailed_raw(session: &str, revision: u64, sequence: u64) -> Mailed {
    Mailed {
        order_sha256: None,
        raw_sha256: Some(sent(session, revision).sha256),
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
    assert_eq!(words(&elsewhere), ["foreign"]);
}

#[test]
fn poison_is_mailed_with_every_byte_and_for_nobody_else() {
    let mut evidence = fine();
    evidence.sent.push(poison(A, 3));
    let right = mailed_raw(A, 3, 5);
    for wrong in [
        Mailed {
            raw_sha256: None,
            ..right.clone()
        },
        Mailed {
            raw_sha256: Some(sha256(b"other")),
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
