//! What is fine passes, and each way to break the promise is named.

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
        message_id: Some(format!("m{sequence}")),
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

fn blob(sequence: u64) -> Blob {
    Blob {
        etag: sequence.to_string(),
        sha256: String::new(),
        mark: mark(sequence),
    }
}

fn fine() -> ShopEvidence {
    ShopEvidence {
        shown: BTreeMap::from([("A".to_owned(), cart(2))]),
        blobs: BTreeMap::from([("A.json".to_owned(), (blob(2), Some(cart(2))))]),
        names_after: BTreeSet::from(["A.json".to_owned()]),
        writes: vec![write(1), write(2)],
        ..ShopEvidence::default()
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
    assert!(judge_shop(&fine()).kept());
}

#[test]
fn a_lost_update_is_told_with_both_carts() {
    let mut evidence = fine();
    evidence.shown.insert("A".to_owned(), cart(3));
    let verdict = judge_shop(&evidence);
    let text = verdict.violations[0].to_string();
    assert!(
        text.contains("[3 × product 8]") && text.contains("[2 × product 8]"),
        "{text}"
    );
    evidence.dead.push(waiting(1));
    assert!(
        !judge_shop(&evidence).kept(),
        "an older letter is no excuse"
    );
    evidence.dead.push(waiting(3));
    assert!(judge_shop(&evidence).kept());
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
    assert!(!judge_shop(&evidence).kept());
    evidence.mailed = vec![mailed(3)];
    assert!(judge_shop(&evidence).kept());
}

#[test]
fn a_missing_blob_a_way_back_and_a_full_outbox_are_told() {
    let mut evidence = fine();
    evidence.blobs.clear();
    assert!(!judge_shop(&evidence).kept());

    let mut evidence = fine();
    evidence.writes.push(write(1));
    assert!(matches!(
        judge_shop(&evidence).violations.as_slice(),
        [Violation::WentBack { .. }]
    ));

    let evidence = ShopEvidence {
        pending: 3,
        ..fine()
    };
    assert!(matches!(
        judge_shop(&evidence).violations.as_slice(),
        [Violation::Pending { pending: 3 }]
    ));
}

#[test]
fn what_others_do_meanwhile_is_noted_and_not_judged() {
    let mut evidence = fine();
    evidence.names_after.insert("B.json".to_owned());
    let other = |sequence| Write {
        name: "C.json".to_owned(),
        ..write(sequence)
    };
    // Their order is theirs: they may have saved a file by hand, too.
    let by_hand = Write {
        mark: Mark::default(),
        ..other(0)
    };
    evidence.writes.extend([other(9), other(8), by_hand]);
    let verdict = judge_shop(&evidence);
    assert!(verdict.kept(), "{:?}", verdict.violations);
    let noted: Vec<&str> = verdict.foreign.iter().map(String::as_str).collect();
    assert_eq!(noted, ["B.json", "C.json"]);
    evidence.names_before.insert("B.json".to_owned());
    assert_eq!(judge_shop(&evidence).foreign.len(), 1);
}

#[test]
fn a_write_of_somebody_else_to_a_shoppers_blob_is_told_although_a_later_cart_covers_it() {
    let mut evidence = fine();
    let by_hand = Write {
        mark: Mark::default(),
        ..write(0)
    };
    evidence.writes.insert(1, by_hand);
    assert!(matches!(
        judge_shop(&evidence).violations.as_slice(),
        [Violation::Unknown { name, .. }, ..] if name == "A.json"
    ));
}

#[test]
fn whoever_got_no_answer_is_not_judged_by_what_they_saw() {
    let mut evidence = fine();
    evidence.shown.insert("A".to_owned(), cart(3));
    evidence.unsure.insert("A".to_owned());
    assert!(judge_shop(&evidence).kept());
}

#[test]
fn a_placed_order_is_what_it_was_when_the_page_said_so() {
    let mut evidence = fine();
    let placed = Cart {
        complete: true,
        ..cart(2)
    };
    evidence.shown.insert("A".to_owned(), placed.clone());
    let verdict = judge_shop(&evidence);
    let [Violation::PlacedOrder { .. }] = verdict.violations[..] else {
        panic!("the blob is open again: {:?}", verdict.violations);
    };
    let blobs = &mut evidence.blobs;
    blobs.insert("A.json".to_owned(), (blob(2), Some(placed)));
    assert!(judge_shop(&evidence).kept());
}

#[test]
fn a_page_that_no_click_explains_is_a_breach() {
    let mut evidence = fine();
    evidence.unexplained.push(Violation::Unexplained {
        session: "A".to_owned(),
        seen: "one".to_owned(),
        expected: "two".to_owned(),
    });
    assert!(!judge_shop(&evidence).kept());
}
