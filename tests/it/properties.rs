//! S1 to S7, L1 and L2 under random schedules: several messages of several sessions and partitions,
//! in two processes or two invocations of one, with lost answers, late writes, redeliveries, lost
//! locks, crashes, a queue created anew, messages without a place or with another's, and files that
//! somebody saves or deletes by hand. The real data path, one request at a time.

mod network;
mod taking;
mod world;

use std::cell::Cell;

use order_items_reserver::order::CLOCK_STEP_MAX_SECS;
use order_items_reserver::store::blob::BlobStore;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Builder;

use crate::model::storage::Storage;
use network::{
    AnyMessageId, Credulous, Fate, FilesAreOlder, Protocol, Unconditional, UnplacedWins,
    WholeNumbers,
};
use taking::{HighestNumber, InBatches, Singly, Taking, WhenAnyIsDone};
use world::{Tally, World};

/// Schedules that are tried unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 4000;

/// The shortest time between two lives of a queue, in seconds.
const GAP: i64 = CLOCK_STEP_MAX_SECS + 1;

/// One step of a schedule. A `pick` is taken modulo what there is to pick from.
#[derive(Clone, Copy, Debug)]
enum Op {
    Publish {
        session: usize,
        /// How much time passes before.
        seconds: i64,
        /// How far off the clock is of the partition that accepts it.
        skew: i64,
        place: Place,
    },
    /// Somebody saves the session's file by hand.
    Save {
        session: usize,
    },
    /// Somebody deletes it.
    Delete {
        session: usize,
    },
    Deliver {
        pick: usize,
    },
    Decide {
        pick: usize,
        fate: Fate,
    },
    Land {
        pick: usize,
    },
    Wait {
        millis: u64,
    },
    LoseLock {
        pick: usize,
    },
    Kill {
        process: usize,
    },
    Recreate,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// At the next number of this partition.
    In(u16),
    /// Where the session's last message stands: another queue numbered it.
    Twin,
    None,
}

#[derive(Clone, Debug)]
struct Schedule {
    shared_memory: bool,
    has_container: bool,
    ops: Vec<Op>,
}

fn fate(served: u32) -> impl Strategy<Value = Fate> {
    prop_oneof![
        served => Just(Fate::Served),
        1 => Just(Fate::ServedTwice),
        1 => Just(Fate::Lost),
        2 => Just(Fate::AnswerLost),
        1 => Just(Fate::Failed),
        1 => Just(Fate::FailedAfter),
        1 => Just(Fate::Throttled),
        1 => Just(Fate::Conflict),
    ]
}

fn op(served: u32) -> impl Strategy<Value = Op> {
    let pick = || 0..8_usize;
    let session = || 0..3_usize;
    // The first session is of one partition, as with a SessionId; only the third has messages
    // without a place of their own.
    let place = |session| match session {
        0 => Just(Place::In(0)).boxed(),
        1 => (0..3_u16).prop_map(Place::In).boxed(),
        _ => prop_oneof![
            4 => (0..2_u16).prop_map(Place::In),
            2 => Just(Place::Twin),
            2 => Just(Place::None),
        ]
        .boxed(),
    };
    let publish = session().prop_flat_map(move |session| {
        let (seconds, skew) = (0..5_i64, -1..=1_i64);
        (seconds, skew, place(session)).prop_map(move |(seconds, skew, place)| Op::Publish {
            session,
            seconds,
            skew,
            place,
        })
    });
    prop_oneof![
        4 => publish,
        6 => pick().prop_map(|pick| Op::Deliver { pick }),
        12 => (pick(), fate(served)).prop_map(|(pick, fate)| Op::Decide { pick, fate }),
        3 => pick().prop_map(|pick| Op::Land { pick }),
        3 => (0..1500_u64).prop_map(|millis| Op::Wait { millis }),
        3 => (8000..12_000_u64).prop_map(|millis| Op::Wait { millis }),
        1 => (60_000..110_000_u64).prop_map(|millis| Op::Wait { millis }),
        2 => pick().prop_map(|pick| Op::LoseLock { pick }),
        1 => (0..2_usize).prop_map(|process| Op::Kill { process }),
        1 => Just(Op::Recreate),
        1 => session().prop_map(|session| Op::Save { session }),
        1 => session().prop_map(|session| Op::Delete { session }),
    ]
}

/// With fair weather, or with hardly a request that succeeds.
fn schedule() -> impl Strategy<Value = Schedule> {
    let ops = prop_oneof![2 => vec(op(8), 0..80), 1 => vec(op(1), 0..120)];
    (any::<bool>(), any::<bool>(), ops).prop_map(|(shared_memory, has_container, ops)| Schedule {
        shared_memory,
        has_container,
        ops,
    })
}

/// Tries schedules until one violates something: what, and the smallest such schedule.
fn search<P: Protocol, T: Taking>(
    mut runner: TestRunner,
    storage: fn() -> Storage,
    gap: i64,
) -> Result<Tally, (String, Schedule)> {
    let tally = Cell::new(Tally::default());
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let result = runner.run(&schedule(), |schedule| {
        fastrand::seed(schedule.ops.len() as u64);
        let world = World::<P, T>::new(&schedule, storage(), gap);
        let (violations, happened) = runtime.block_on(world.run(&schedule));
        let mut sum = tally.get();
        sum.add(happened);
        tally.set(sum);
        match violations.first() {
            None => Ok(()),
            Some(violation) => Err(TestCaseError::fail(format!("{violation:?}"))),
        }
    });
    match result {
        Ok(()) => Ok(tally.get()),
        Err(TestError::Fail(reason, schedule)) => Err((reason.to_string(), schedule)),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

#[test]
fn s1_to_s7_l1_and_l2_hold_under_any_schedule() {
    hold::<Singly>();
}

/// No order is acknowledged whose newest neither is stored nor mailed, whatever happens in between.
#[test]
fn s1_to_s7_l1_and_l2_hold_in_batches_under_any_schedule() {
    let (tally, enough) = hold::<InBatches>();
    let left = tally.left_to_newer;
    assert!(left >= enough, "only {left} left to a newer one");
}

/// What happened, and how much of each is enough.
fn hold<T: Taking>() -> (Tally, usize) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a knob of the test, not a setting"
    )]
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.map_or(CASES, |cases| cases.parse().unwrap());
    let runner = TestRunner::new(config(cases));
    let tally = search::<BlobStore<_>, T>(runner, Storage::new, GAP)
        .unwrap_or_else(|(violation, schedule)| panic!("{violation}\n{schedule:#?}"));
    println!("{tally:?}");
    let enough = usize::try_from(cases / 40).unwrap();
    for (what, count) in [
        ("stored", tally.stored),
        ("superseded", tally.superseded),
        ("handed over", tally.handed_over),
        ("abandoned", tally.abandoned),
        ("killed", tally.killed),
        ("late PUTs that landed", tally.landed_late),
        ("with unclear places", tally.positions),
        ("with one place", tally.same_place),
        ("without a place", tally.no_place),
        ("after a file was saved", tally.not_older),
        ("files saved by hand", tally.saved),
        ("files deleted by hand", tally.deleted),
    ] {
        assert!(count >= enough, "only {count} {what} in {cases} schedules");
    }
    (tally, enough)
}

fn control<P: Protocol>(storage: fn() -> Storage, gap: i64) -> String {
    control_taking::<P, Singly>(storage, gap)
}

/// The controls look at always the same schedules.
fn control_taking<P: Protocol, T: Taking>(storage: fn() -> Storage, gap: i64) -> String {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let runner = TestRunner::new_with_rng(config(CASES), rng);
    let (violation, schedule) =
        search::<P, T>(runner, storage, gap).expect_err("nothing was found");
    println!("{violation}\n{schedule:#?}");
    violation
}

#[test]
fn s2_breaks_with_an_unconditional_put() {
    let violation = control::<Unconditional>(Storage::heedless, GAP);
    assert!(violation.contains("S2"), "{violation}");
}

#[test]
fn s2_breaks_when_conditions_are_ignored() {
    let violation = control::<BlobStore<_>>(Storage::heedless, GAP);
    assert!(violation.contains("S2"), "{violation}");
}

#[test]
fn s1_breaks_when_a_conflict_is_taken_for_a_newer_order() {
    let violation = control::<Credulous>(Storage::new, GAP);
    assert!(violation.contains("S1"), "{violation}");
}

#[test]
fn s1_and_s2_break_with_each_simpler_rule() {
    for (violation, invariants) in [
        (control::<WholeNumbers>(Storage::new, GAP), ["S1", "S2"]),
        (control::<AnyMessageId>(Storage::new, GAP), ["S1", "S1"]),
        (control::<UnplacedWins>(Storage::new, GAP), ["S2", "S2"]),
        (control::<FilesAreOlder>(Storage::new, GAP), ["S2", "S2"]),
    ] {
        let found = invariants.iter().any(|one| violation.contains(one));
        assert!(found, "{violation}");
    }
}

#[test]
fn s1_or_s6_breaks_with_each_simpler_rule_for_a_batch() {
    for violation in [
        control_taking::<BlobStore<_>, WhenAnyIsDone>(Storage::new, GAP),
        control_taking::<BlobStore<_>, HighestNumber>(Storage::new, GAP),
    ] {
        let found = ["S1", "S6"].iter().any(|one| violation.contains(one));
        assert!(found, "{violation}");
    }
}

/// The limit of comparing by number and time.
#[test]
fn s2_needs_a_moment_between_two_lives_of_a_queue() {
    let violation = control::<BlobStore<_>>(Storage::new, CLOCK_STEP_MAX_SECS);
    assert!(violation.contains("S2"), "{violation}");
}
