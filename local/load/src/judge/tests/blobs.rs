//! What blobs hold, and have held.

use super::*;

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
fn a_blob_of_a_session_nobody_sent_is_foreign_unless_it_was_there_before() {
    let mut evidence = fine();
    evidence.names_after.insert("CCCC.json".to_owned());
    assert_eq!(words(&evidence), ["foreign"]);
    evidence.names_before.insert("CCCC.json".to_owned());
    assert!(words(&evidence).is_empty());
    evidence.writes.push(write("CCCC", 1, 9));
    assert_eq!(
        words(&evidence),
        ["foreign"],
        "and a write of it is ours to explain"
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
