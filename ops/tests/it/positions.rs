//! Old and new: a recreated queue, contradictions, and a redrive that was preceded by the function.

use bus::Message;
use stand_in::Method;

use crate::stage::{Stage, cart, letter};

const HOUR: i64 = 3600;

#[tokio::test]
async fn letters_of_a_recreated_queue_replace_what_its_former_life_numbered_higher() {
    let stage = Stage::new().await;
    stage.store("S", 1000, 0, &cart("S", 1000));
    stage.add_letter_at(3, 2 * HOUR, "S", cart("S", 3));
    stage.add_letter_at(2, HOUR, "S", cart("S", 2));
    let plan = stage.run("dead-letters redrive").await;
    let lines: Vec<&str> = plan.out.lines().collect();
    let because = "replaces #1000 of 2026-05-04T09:30:10Z: the queue was recreated since";
    assert!(
        lines[1].ends_with(&format!("stored      {because}")),
        "{}",
        plan.out
    );
    assert!(lines[2].contains("superseded  #3 of 2026-05-04T11:30:10Z is stored"));
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(stage.history("S"), [1000, 3]);
    assert!(ran.err.contains("numbers its messages anew"), "{}", ran.err);
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
