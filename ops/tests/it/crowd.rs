//! A thousand dead letters of a hundred sessions: what is there, and what must come of it.

use std::collections::BTreeMap;

use crate::stage::{Stage, cart};

const SESSIONS: u64 = 100;
const LETTERS_EACH: u64 = 10;
const LETTERS: u64 = SESSIONS * LETTERS_EACH;

/// What a crowd must come to.
pub(crate) struct Expected {
    /// Of each session, the number of the newest order.
    pub(crate) newest: BTreeMap<String, u64>,
    /// The letters that a person has to see.
    pub(crate) mailed: Vec<u64>,
    stored: usize,
    superseded: usize,
}

/// Buries the crowd in a random order. A session in three has something stored that is newer than
/// all of its letters, one in three something in between, one in three nothing at all; one letter
/// in thirteen is no order.
pub(crate) fn add_letters(stage: &Stage, random: &mut fastrand::Rng) -> Expected {
    let mut newest = BTreeMap::new();
    for number in 0..SESSIONS {
        let session = format!("session {number}");
        let stored = match number % 3 {
            0 => LETTERS + 1 + number,
            1 => LETTERS / 2,
            _ => continue,
        };
        let at = i64::try_from(stored).unwrap();
        stage.store(&session, stored, at, &cart(&session, stored));
        newest.insert(session, stored);
    }
    let mut numbers: Vec<u64> = (1..=LETTERS).collect();
    random.shuffle(&mut numbers);
    let mut expected = Expected {
        newest,
        mailed: Vec::new(),
        stored: 0,
        superseded: 0,
    };
    for number in numbers {
        let session = format!("session {}", number % SESSIONS);
        if number % 13 == 0 {
            stage.add_letter(number, &session, format!("no order {number}"));
            expected.mailed.push(number);
            continue;
        }
        stage.add_letter(number, &session, cart(&session, number));
        let newest = expected.newest.entry(session).or_default();
        if number > *newest {
            *newest = number;
            expected.stored += 1;
        } else {
            expected.superseded += 1;
        }
    }
    expected.mailed.sort_unstable();
    expected
}

/// Nothing lost, nothing rolled back.
pub(crate) fn assert_settled(stage: &Stage, expected: &Expected) {
    assert_eq!(stage.left(), [0_u64; 0], "every letter is settled");
    assert_eq!(expected.newest.len() as u64, SESSIONS);
    for (session, newest) in &expected.newest {
        let body = cart(session, *newest);
        assert_eq!(stage.stored(session), Some((*newest, body)), "{session}");
        let history = stage.history(session);
        assert!(
            history.is_sorted_by(|earlier, later| earlier < later),
            "{session} went back: {history:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_letters_are_settled_with_nothing_lost_and_nothing_rolled_back() {
    let stage = Stage::new().await;
    let expected = add_letters(&stage, &mut fastrand::Rng::with_seed(7));
    let ran = stage.run("dead-letters redrive --yes").await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let Expected {
        stored,
        superseded,
        mailed,
        ..
    } = &expected;
    assert_eq!(
        ran.out,
        format!(
            "1000 dead letters: {stored} stored, {superseded} superseded, {} handed over, 0 left\n",
            mailed.len()
        )
    );
    assert_settled(&stage, &expected);
    assert_eq!(stage.mailed(), *mailed, "the mails are exactly those due");
    assert_eq!(ran.err.lines().count(), 1000, "a line of progress each");
    let again = stage.run("dead-letters redrive --yes").await;
    assert_eq!(again.code, Some(0));
    assert!(again.out.starts_with("0 dead letters:"), "{}", again.out);
}
