//! The dry run: says what would happen, and changes nothing.

use std::collections::BTreeSet;

use stand_in::Method;

use crate::crowd;
use crate::stage::{Stage, cart};

#[tokio::test]
async fn it_says_of_each_letter_what_would_happen_and_changes_nothing() {
    let stage = Stage::new().await;
    stage.store("old", 2, 2, &cart("old", 2));
    stage.store("new", 900, 900, &cart("new", 900));
    stage.add_letter(5, "old", cart("old", 5));
    stage.add_letter(4, "old", cart("old", 4));
    stage.add_letter(6, "new", cart("new", 6));
    stage.add_letter(7, "none", cart("none", 7));
    stage.add_letter(8, "none", cart("none", 8));
    stage.add_letter(9, "\u{1b}[31m", "{");
    let ran = stage.run("dead-letters redrive").await;
    let expected = "\
SEQUENCE  SESSION     WOULD BE     BECAUSE
5         old         stored       replaces #2 of 2026-05-04T09:30:12Z
4         old         superseded   #5 of 2026-05-04T09:30:15Z is stored
6         new         superseded   #900 of 2026-05-04T09:45:10Z is stored
7         none        stored       nothing is stored for the session
8         none        stored       replaces #7 of 2026-05-04T09:30:17Z
9         \\u{1b}[31m  handed over  unreadable order: the message is not a JSON object: EOF while parsing an object at line 1 column 1
6 dead letters
nothing was changed; --yes does it
";
    assert_eq!(ran.out, expected);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(stage.asked(&Method::DELETE), []);
    let asked: BTreeSet<String> = stage
        .blobs
        .requests()
        .iter()
        .map(|it| it.method.to_string())
        .collect();
    assert_eq!(asked, BTreeSet::from(["HEAD".to_owned()]));
    assert_eq!(stage.mails.requests(), []);
    assert_eq!(stage.left(), [4, 5, 6, 7, 8, 9]);
    stage.assert_all_given_back();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_says_of_a_thousand_letters_is_what_then_happens() {
    let stage = Stage::new().await;
    crowd::add_letters(&stage, &mut fastrand::Rng::with_seed(11));
    let plan = stage.run("dead-letters redrive").await;
    assert_eq!(plan.code, Some(0), "{}", plan.err);
    let ran = stage.run("dead-letters redrive --yes").await;
    let said = |verdict: &str| {
        let lines = plan.out.lines().skip(1);
        let columns = lines.filter_map(|line| line.split("  ").filter(|it| !it.is_empty()).nth(2));
        columns.filter(|found| found.trim() == verdict).count()
    };
    let (stored, superseded, handed_over) =
        (said("stored"), said("superseded"), said("handed over"));
    assert_eq!(stored + superseded + handed_over, 1000);
    assert_eq!(
        ran.out,
        format!(
            "1000 dead letters: {stored} stored, {superseded} superseded, {handed_over} handed over, 0 left\n"
        )
    );
}
