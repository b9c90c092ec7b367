//! Old and new: a recreated queue, contradictions, and a redrive that was preceded by the function.

use bus::Message;
use stand_in::Method;

use crate::stage::{Stage, cart, letter};

const HOUR: i64 = 3600;

const TRUSTING: &str = "dead-letters redrive --trust-times";

/// Whether dead letters keep the time at which the queue accepted them is not certain: with the
/// time of its death an older order looks like one of a queue created anew.
#[tokio::test]
async fn a_letter_that_only_its_time_makes_newer_stays_unless_times_are_trusted() {
    let stage = Stage::new().await;
    stage.store("S", 1000, 0, &cart("S", 1000));
    stage.add_letter_at(3, 2 * HOUR, "S", cart("S", 3));
    stage.add_letter_at(2, HOUR, "S", cart("S", 2));
    let plan = stage.run("dead-letters redrive").await;
    let why = "LEFT      stored #1000 of 2026-05-04T09:30:10Z, this one #3 of 2026-05-04T11:30:10Z: \
               only their times tell; --trust-times goes by them";
    assert!(plan.out.contains(why), "{}", plan.out);
    assert_eq!(plan.code, Some(1), "{}", plan.err);
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(
        (ran.code, stage.left()),
        (Some(1), vec![2, 3]),
        "{}",
        ran.err
    );
    assert_eq!(stage.history("S"), [1000], "nothing goes back");
    assert_eq!(
        stage.mailed(),
        [0; 0],
        "nothing that an operator can settle is mailed"
    );
    assert!(
        ran.err.contains("--trust-times goes by them"),
        "{}",
        ran.err
    );
    stage.assert_all_given_back();
}

#[tokio::test]
async fn letters_of_a_recreated_queue_replace_what_its_former_life_numbered_higher() {
    let stage = Stage::new().await;
    stage.store("S", 1000, 0, &cart("S", 1000));
    stage.add_letter_at(3, 2 * HOUR, "S", cart("S", 3));
    stage.add_letter_at(2, HOUR, "S", cart("S", 2));
    let plan = stage.run(TRUSTING).await;
    let lines: Vec<&str> = plan.out.lines().collect();
    let because = "replaces #1000 of 2026-05-04T09:30:10Z: the queue was recreated since";
    assert!(
        lines[1].ends_with(&format!("stored      {because}")),
        "{}",
        plan.out
    );
    assert!(lines[2].contains("superseded  #3 of 2026-05-04T11:30:10Z is stored"));
    let ran = stage.run(&format!("{TRUSTING} --yes")).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.history("S"), [1000, 3]);
    assert!(ran.err.contains("numbers its messages anew"), "{}", ran.err);
}

/// Numbers of two partitions say nothing about each other.
#[tokio::test]
async fn letters_of_other_partitions_stay_unless_times_are_trusted() {
    let stage = Stage::new().await;
    let in_partition = |partition: u64, number| (partition << 48) | number;
    let stored = in_partition(9, 7);
    stage.store("S", stored, HOUR, &cart("S", stored));
    let (older, same, newer) = (in_partition(3, 9), in_partition(9, 6), in_partition(3, 10));
    stage.add_letter_at(older, 0, "S", cart("S", older));
    stage.add_letter_at(same, HOUR - 1, "S", cart("S", same));
    stage.add_letter_at(newer, 2 * HOUR, "S", cart("S", newer));
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(stage.left(), [older, newer], "numbers tell of the third");
    assert_eq!(stage.history("S"), [stored]);
    let plan = stage.run(TRUSTING).await;
    assert!(
        plan.out.contains("superseded") && plan.out.contains("replaces"),
        "{}",
        plan.out
    );
    let ran = stage.run(&format!("{TRUSTING} --yes")).await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.history("S"), [stored, newer]);
}

/// A file that names no place, saved by hand: what is older is a person's case, and what seems
/// newer stays.
#[tokio::test]
async fn a_file_of_somebody_else_is_not_replaced_unless_times_are_trusted() {
    let stage = Stage::new().await;
    stage.save("S", "{}");
    let decades = 30 * 365 * 24 * HOUR;
    stage.add_letter(7, "S", cart("S", 7));
    stage.add_letter_at(8, decades, "S", cart("S", 8));
    let plan = stage.run("dead-letters redrive").await;
    let lines: Vec<&str> = plan.out.lines().collect();
    assert!(
        lines[1].contains("handed over  cannot tell which order is newer: the file names no place"),
        "{}",
        plan.out
    );
    assert!(
        lines[2].contains("LEFT         the file names no place in the queue, this one #8"),
        "{}",
        plan.out
    );
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!((ran.code, stage.left()), (Some(1), vec![8]), "{}", ran.err);
    assert_eq!(stage.mailed(), [7], "a person decides");
    assert_eq!(stage.saved("S"), "{}");
    let ran = stage.run(&format!("{TRUSTING} --yes")).await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.saved("S"), cart("S", 8));
}

#[tokio::test]
async fn a_letter_of_the_former_life_does_not_replace_an_order_of_the_new_one() {
    let stage = Stage::new().await;
    stage.store("S", 5, 2 * HOUR, &cart("S", 5));
    stage.add_letter_at(900, 0, "S", cart("S", 900));
    let plan = stage.run("dead-letters redrive").await;
    assert!(
        plan.out
            .contains("handed over  cannot tell which order is newer"),
        "{}",
        plan.out
    );
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.history("S"), [5]);
    assert_eq!(stage.mailed(), [900], "a person decides");
}

#[tokio::test]
async fn a_letter_that_was_stored_before_it_died_is_stored_already() {
    let stage = Stage::new().await;
    stage.store("S", 7, 7, &cart("S", 7));
    stage.add_letter(7, "S", cart("S", 7));
    let plan = stage.run("dead-letters redrive").await;
    assert!(plan.out.contains("it is the stored one"), "{}", plan.out);
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!((ran.code, stage.left()), (Some(0), vec![]));
    assert_eq!(stage.history("S"), [7], "not written again");
}

#[tokio::test]
async fn a_redrive_never_sends_a_message() {
    let stage = Stage::new().await;
    stage.add_letter(7, "S", cart("S", 7));
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(0));
    let sent = stage.asked(&Method::POST);
    assert!(sent.iter().all(|it| {
        it.path
            .starts_with("/order-items/$deadletterqueue/messages/")
    }));
    assert_eq!(stage.queue.counts().active, 0);
}

#[tokio::test]
async fn session_and_limit_take_those_letters_and_no_other() {
    let stage = Stage::new().await;
    for number in 1..=9 {
        let session = if number % 3 == 0 { "A" } else { "B" };
        stage.add_letter(number, session, cart(session, number));
    }
    // Only its body names the session.
    let bare = Message::new(cart("A", 10)).with_id("m-10");
    stage.queue.add_dead_letter(letter(10, 10, bare));
    let ran = stage.run("dead-letters redrive --yes --session A").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.left(), [1, 2, 4, 5, 7, 8]);
    let ran = stage.run("dead-letters redrive --yes --limit 4").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.left(), [7, 8]);
    assert_eq!(stage.history("A"), [3, 6, 9, 10]);
    stage.assert_all_given_back();
}
