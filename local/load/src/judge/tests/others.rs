//! What others do on the same stack, and what of it concerns a run.

use super::*;

#[test]
fn a_blob_of_a_session_nobody_sent_is_foreign_unless_it_was_there_before() {
    let mut evidence = Evidence {
        alone: true,
        ..fine()
    };
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
fn sessions_of_others_are_noted_and_not_judged_where_others_may_be() {
    let mut evidence = fine();
    evidence.names_after.insert("CCCC.json".to_owned());
    // Carts of before that are delivered now, a number that comes back, a file saved by hand.
    evidence.writes.push(write("DDDD", 2, 9));
    evidence.writes.push(Write {
        etag: "back".to_owned(),
        ..write("DDDD", 1, 8)
    });
    evidence.writes.push(Write {
        mark: Mark::default(),
        ..write("EEEE", 1, 7)
    });
    evidence.queued.push(waiting("FFFF", 1, 10));
    evidence.mailed.push(Mailed {
        sha256: None,
        ..mailed("FFFF", 2, 11)
    });
    let verdict = judge(&evidence);
    assert!(verdict.kept(), "{:?}", verdict.violations);
    let noted: Vec<&str> = verdict.foreign.iter().map(String::as_str).collect();
    assert_eq!(noted, ["CCCC.json", "DDDD.json", "EEEE.json"]);
    assert_eq!(verdict.fates, judge(&fine()).fates);
}

#[test]
fn a_foreign_write_to_a_session_of_the_run_is_told_although_a_later_cart_covers_it() {
    let by_hand = Mark::default();
    let through_the_queue = Mark {
        message_id: Some("somebody's".to_owned()),
        ..mark(A, 1, 2)
    };
    for mark in [by_hand, through_the_queue] {
        let mut evidence = fine();
        let foreign = Write {
            etag: "foreign".to_owned(),
            sha256: sha256(b"theirs"),
            mark,
            ..write(A, 1, 1)
        };
        evidence.writes.insert(2, foreign);
        assert!(words(&evidence).contains(&"unknown".to_owned()));
        assert!(judge(&evidence).foreign.is_empty());
    }
}

#[test]
fn a_cart_of_the_run_in_a_blob_of_others_is_told() {
    let astray = Write {
        name: "CCCC.json".to_owned(),
        ..write(A, 2, 3)
    };
    let mut by_its_message = fine();
    by_its_message.writes.push(astray.clone());
    assert_eq!(words(&by_its_message), ["wrong session"]);

    // Without a history: as it is found in the end, and by its bytes alone.
    let mut by_its_bytes = fine();
    let blob = Blob {
        etag: astray.etag,
        sha256: astray.sha256,
        mark: Mark::default(),
    };
    by_its_bytes.blobs.insert(astray.name, blob);
    assert_eq!(words(&by_its_bytes), ["wrong session"]);
}
