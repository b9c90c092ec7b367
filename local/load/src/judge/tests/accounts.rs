//! Where accepted carts may be, and where not.

use super::*;

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
