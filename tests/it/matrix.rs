//! S1 to S6 and L3, exhaustively: every fault at every attempt, over every state the blob and the
//! memory can be in, and every answer of the fallback. The real data path, on a paused clock.

mod cast;
mod check;
mod world;

use std::time::Duration;

use bytes::Bytes;
use order_items_reserver::fallback::Reason;
use order_items_reserver::order::Delivery;
use order_items_reserver::reserve::{GivenBack, Outcome, Reservation, Reserver, Settlement};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::{OrderStore as _, Put};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::invocation::doubles::LIMITS;
use crate::model::choices::Choices;
use crate::model::messages::{Violation, check_history};
use crate::model::rules::Rule;
use crate::model::storage::Storage;
use cast::{Cast, MEMORIES, Memory, PRIORS, Prior};
use check::{End, Observed, check};
use world::{Answer, Fault, Seen, Watched, World};

const ATTEMPT: Duration = Duration::from_secs(10);
const BACKOFF: Duration = Duration::from_secs(1);
const FALLBACK: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);

type Real = Reserver<Watched, World>;

fn reserver(world: &World, rule: Option<Rule>) -> Real {
    Reserver {
        store: Watched::new(world, rule),
        fallback: world.clone(),
        retry: Retry {
            attempt_timeout: ATTEMPT,
            backoff_base: BACKOFF,
        },
        fallback_timeout: FALLBACK,
        batch: LIMITS,
    }
}

/// Brings blob and memory into the state that the case starts from, through the real store where
/// it is to remember.
async fn prepare(cast: &Cast, world: &World, reserver: &Real) {
    if let Some(order) = &cast.remembered {
        world.state().storage.clock = -199;
        reserver.store.store.put(order).await.unwrap();
    }
    let mut state = world.state();
    let session = &cast.ours.session;
    match &cast.stored {
        None => state.storage.delete(session),
        Some((stored, modified)) => {
            let content = stored.content();
            if state.storage.content(session) != Some(&content) {
                state.storage.clock = *modified;
                state.storage.delete(session);
                state.storage.overwrite(session, content);
            }
        }
    }
    state.storage.clock = 1;
    state.seen = Seen::default();
    state.calm = false;
}

fn end(reservation: &Reservation) -> End {
    match &reservation.settlement {
        Settlement::Complete(Outcome::Stored) => End::Stored,
        Settlement::Complete(Outcome::Superseded) => End::Superseded,
        Settlement::Complete(Outcome::HandedOver) => End::HandedOver,
        Settlement::Abandon(_) => End::Abandoned,
    }
}

/// How a delivery comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    Alone,
    /// In a batch with an older order of its session, which is left to it.
    WithAnElder,
}

/// Brings the delivery to its end.
async fn reserve(cast: &Cast, delivery_count: u32, reserver: &Real, coming: Coming) -> Reservation {
    let ours = cast.ours.delivery(delivery_count);
    if coming == Coming::Alone {
        return reserver.reserve(&ours).await;
    }
    let elder = cast.elder().delivery(delivery_count);
    let batch = reserver.reserve_all(&[elder, ours], |_, _| ()).await;
    let [elder, ours] = <[Reservation; 2]>::try_from(batch).unwrap();
    let as_ours = match ours.is_given_back() {
        false => Settlement::Complete(Outcome::Superseded),
        true => Settlement::Abandon(GivenBack::NewerOpen),
    };
    let told = format!("{:?}, {:?}", elder.settlement, elder.attempts);
    assert_eq!(told, format!("{as_ours:?}, 0"), "{:?}", ours.settlement);
    ours
}

/// One delivery, then the session's next order, then every late write.
async fn run(
    cast: &Cast,
    delivery_count: u32,
    world: World,
    rule: Option<Rule>,
    coming: Coming,
) -> (Observed, Choices) {
    let reserver = reserver(&world, rule);
    prepare(cast, &world, &reserver).await;
    let started = Instant::now();
    let reservation = reserve(cast, delivery_count, &reserver, coming).await;
    let ended = Instant::now();
    let session = &cast.ours.session;
    let (seen, stored) = {
        let mut state = world.state();
        state.calm = true;
        let stored = state.storage.content(session).cloned();
        state.storage.clock = 41;
        (std::mem::take(&mut state.seen), stored)
    };
    let next = reserver.store.put(&cast.successor).await;
    let mut state = world.state();
    state.land_everything_late();
    let observed = Observed {
        seen,
        end: end(&reservation),
        attempts: reservation.attempts,
        has_reason: reservation.reason.is_some(),
        delivery_count,
        started,
        ended,
        stored,
        next,
        history: check_history(&state.storage, session, &cast.published),
    };
    let choices = std::mem::take(&mut state.choices);
    (observed, choices)
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Every state that a delivery can meet.
fn casts() -> Vec<Cast> {
    let pairs = || {
        PRIORS
            .iter()
            .flat_map(|&prior| MEMORIES.map(|memory| (prior, memory)))
    };
    let meeting = pairs().filter(|(prior, memory)| prior.can_meet(*memory));
    // A message without a place reads before it writes: no memory aims it. And it makes no
    // difference between two files that have none.
    let unplaced =
        pairs().filter(|(prior, memory)| *memory == Memory::Warm && *prior != Prior::UnplacedOlder);
    let meeting = meeting.map(|(prior, memory)| Cast::new(prior, memory));
    let unplaced = unplaced.map(|(prior, memory)| Cast::unplaced(prior, memory));
    meeting.chain(unplaced).collect()
}

/// Runs every case and returns how many there were, with what was violated.
fn explore(
    casts: &[Cast],
    rule: Option<Rule>,
    world: impl Fn(Choices) -> World,
) -> (usize, Vec<Violation>) {
    explore_coming(Coming::Alone, casts, rule, world)
}

fn explore_coming(
    coming: Coming,
    casts: &[Cast],
    rule: Option<Rule>,
    world: impl Fn(Choices) -> World,
) -> (usize, Vec<Violation>) {
    let (mut cases, mut violations) = (0, Vec::new());
    let runtime = runtime();
    for cast in casts {
        let mut choices = Choices::default();
        loop {
            let count = 1 + u32::try_from(cases % 12).unwrap();
            fastrand::seed(cases as u64);
            let (observed, after) =
                runtime.block_on(run(cast, count, world(choices), rule, coming));
            for Violation(invariant, what) in check(&observed, cast) {
                let faults = &observed.seen.faults;
                let position = cast.ours.position.map(|position| position.to_string());
                let what = format!(
                    "{:?} {:?} {position:?} {faults:?}: {what}",
                    cast.prior, cast.memory
                );
                violations.push(Violation(invariant, what));
            }
            cases += 1;
            choices = after;
            if !choices.advance() {
                break;
            }
        }
    }
    (cases, violations)
}

#[test]
fn s1_to_s7_and_l3_hold_under_every_fault() {
    let (cases, violations) = explore(&casts(), None, |choices| {
        World::new(Storage::new(), choices)
    });
    assert_eq!(violations.get(..4).unwrap_or(&violations), []);
    assert_eq!(cases, 891_484, "cases appeared or got lost");
}

/// In a batch each order meets what it meets alone, and who is left to it shares its end.
#[test]
fn s1_to_s7_and_l3_hold_under_every_fault_in_a_batch() {
    let casts = [
        Prior::Absent,
        Prior::Older,
        Prior::Newer,
        Prior::Contradictory,
    ];
    let casts = casts.map(|prior| Cast::new(prior, Memory::Cold));
    let world = |choices| World::new(Storage::new(), choices);
    let (cases, violations) = explore_coming(Coming::WithAnElder, &casts, None, world);
    assert_eq!(violations.get(..4).unwrap_or(&violations), []);
    assert_eq!(cases, 117_389, "cases appeared or got lost");
}

/// Late writes of PUTs that were refused anyhow included.
#[test]
#[ignore = "takes minutes"]
fn s1_to_s7_and_l3_hold_under_every_fault_unpruned() {
    let (cases, violations) = explore(&casts(), None, |choices| {
        let world = World::new(Storage::new(), choices);
        world.state().prunes = false;
        world
    });
    assert_eq!(violations.get(..4).unwrap_or(&violations), []);
    assert_eq!(cases, 4_596_548, "cases appeared or got lost");
}

/// The control: on a storage that ignores conditions, late writes and stragglers go unnoticed.
#[test]
fn s2_breaks_when_conditions_are_ignored() {
    for (prior, memory) in [(Prior::Absent, Memory::Cold), (Prior::Newer, Memory::Warm)] {
        let (_, violations) = explore(&[Cast::new(prior, memory)], None, |choices| {
            World::new(Storage::heedless(), choices)
        });
        let broken = violations
            .iter()
            .filter(|violation| violation.0 == "S2")
            .count();
        assert!(broken > 1000, "{prior:?}: only {broken}");
    }
}

/// The controls: each simpler rule breaks where its prior is, with no fault at all.
#[test]
fn s1_and_s2_break_with_each_simpler_rule() {
    let breaks = |rule: Rule, cast: &Cast| {
        let world = World::scripted(&[]);
        let (observed, _) = runtime().block_on(run(cast, 1, world, Some(rule), Coming::Alone));
        let mut broken: Vec<_> = check(&observed, cast).into_iter().map(|it| it.0).collect();
        broken.dedup();
        broken
    };
    let cold = |prior| Cast::new(prior, Memory::Cold);
    let unplaced = |prior| Cast::unplaced(prior, Memory::Cold);
    for (rule, cast, expected) in [
        (
            Rule::WholeNumbers,
            cold(Prior::OtherPartitionUnclear),
            &["S2"][..],
        ),
        (Rule::AnyMessageId, cold(Prior::SamePlace), &["S1", "S2"]),
        (Rule::UnplacedWins, unplaced(Prior::Newer), &["S2"]),
        (Rule::UnplacedWins, unplaced(Prior::ForeignNewer), &["S2"]),
        (Rule::FilesAreOlder, cold(Prior::ForeignNewer), &["S2"]),
    ] {
        assert_eq!(breaks(rule, &cast), expected, "{rule:?} {:?}", cast.prior);
    }
    // Where a rule has nothing to say, it is the product's.
    for rule in Rule::ALL {
        for prior in [Prior::Absent, Prior::Older, Prior::Newer, Prior::Renumbered] {
            assert_eq!(breaks(rule, &cold(prior)), [""; 0], "{rule:?} {prior:?}");
        }
    }
}

/// What is made wrong with an observation that was right, how, and the invariants that this breaks.
type Spoiled = (&'static str, fn(&mut Observed), &'static [&'static str]);

/// The first attempt stored the order.
const STORED: [Spoiled; 6] = [
    ("it is not there", |it| it.stored = None, &["S1"]),
    ("it was abandoned", |it| it.end = End::Abandoned, &["S5"]),
    ("a failure is told", |it| it.has_reason = true, &["S5"]),
    (
        "one attempt too many is told",
        |it| it.attempts = 2,
        &["S4"],
    ),
    ("the attempt sent nothing", |it| it.seen.puts = 0, &["S4"]),
    (
        "attempts overlapped",
        |it| it.seen.overlapped = true,
        &["S4"],
    ),
];

/// A newer order was there.
const SUPERSEDED: [Spoiled; 2] = [
    ("it is not there", |it| it.stored = None, &["S1"]),
    ("nobody read it", |it| it.seen.read.clear(), &["S6"]),
];

/// The store was dead, and the order was handed over.
const HANDED_OVER: [Spoiled; 10] = [
    (
        "it was called stored",
        |it| it.end = End::Stored,
        &["S1", "S5"],
    ),
    (
        "nobody was told",
        |it| it.seen.notices.clear(),
        &["S4", "S7"],
    ),
    (
        "the notice lacks the order",
        |it| it.seen.complete_notices = 0,
        &["S7"],
    ),
    ("it ended a second later", |it| it.ended += SECOND, &["S5"]),
    (
        "it ended after the host's time",
        |it| it.ended += 300 * SECOND,
        &["S5", "L3"],
    ),
    (
        "a retry came too late",
        |it| it.seen.attempts[1].started += SECOND,
        &["S4"],
    ),
    (
        "a retry came too soon",
        |it| it.seen.attempts[1].started -= SECOND,
        &["S4"],
    ),
    (
        "there was a fifth attempt",
        |it| it.seen.attempts.push(it.seen.attempts[3].clone()),
        &["S4"],
    ),
    (
        "an attempt never ended",
        |it| it.seen.attempts[0].ended = None,
        &["L3"],
    ),
    (
        "the next order was not stored",
        |it| it.next = Ok(Put::Superseded),
        &["L2"],
    ),
];

/// The control of every other check: an observation that is right, made wrong in one way.
#[test]
fn the_checks_can_fail() {
    let dead = [Fault::Throttled; 4];
    let right: [(&[Fault], Prior, &[Spoiled]); 3] = [
        (&[], Prior::Absent, &STORED),
        (&[], Prior::Newer, &SUPERSEDED),
        (&dead, Prior::Absent, &HANDED_OVER),
    ];
    for (faults, prior, controls) in right {
        let cast = Cast::new(prior, Memory::Cold);
        let (right, _) =
            runtime().block_on(run(&cast, 3, World::scripted(faults), None, Coming::Alone));
        assert_eq!(check(&right, &cast), []);
        for (what, spoil, expected) in controls {
            let mut observed = right.clone();
            spoil(&mut observed);
            let violations = check(&observed, &cast).into_iter();
            let mut broken: Vec<_> = violations.map(|violation| violation.0).collect();
            broken.dedup();
            assert_eq!(broken, *expected, "{what}");
        }
    }
}

/// What the protocol costs, in PUTs, HEADs and creations of the container.
#[test]
fn s4_a_dead_store_sees_four_puts_and_a_warm_one_sees_one() {
    let cost = |faults: &[Fault], prior, memory| {
        let world = World::scripted(faults);
        let (Observed { seen, end, .. }, _) = runtime().block_on(run(
            &Cast::new(prior, memory),
            1,
            world,
            None,
            Coming::Alone,
        ));
        (seen.puts, seen.heads, seen.creates, end)
    };
    for fault in [
        Fault::TimedOut,
        Fault::Forbidden,
        Fault::Throttled,
        Fault::ErrorBefore,
        Fault::Refused,
    ] {
        for memory in MEMORIES {
            let dead = cost(&[fault; 4], Prior::Older, memory);
            assert_eq!(dead, (4, 0, 0, End::HandedOver), "{fault:?}");
        }
    }
    use Memory::{Cold, Warm};
    for (prior, memory, expected) in [
        (Prior::Absent, Cold, (1, 0, 0, End::Stored)),
        (Prior::Older, Warm, (1, 0, 0, End::Stored)),
        (Prior::Older, Cold, (2, 1, 0, End::Stored)),
        (Prior::ForeignOlder, Cold, (2, 1, 0, End::Stored)),
        (Prior::UnplacedOlder, Cold, (2, 1, 0, End::Stored)),
        (Prior::OtherPartitionOlder, Cold, (2, 1, 0, End::Stored)),
        (Prior::OtherPartitionOlder, Warm, (2, 1, 0, End::Stored)),
        (Prior::OtherPartitionNewer, Warm, (1, 1, 0, End::Superseded)),
        (Prior::Renumbered, Warm, (2, 1, 0, End::Stored)),
        (Prior::Same, Cold, (1, 1, 0, End::Stored)),
        (Prior::Same, Warm, (1, 1, 0, End::Stored)),
        (Prior::Newer, Cold, (1, 1, 0, End::Superseded)),
        (Prior::Newer, Warm, (1, 1, 0, End::Superseded)),
        (Prior::Contradictory, Cold, (4, 4, 0, End::HandedOver)),
        (
            Prior::OtherPartitionUnclear,
            Warm,
            (4, 4, 0, End::HandedOver),
        ),
        (Prior::SamePlace, Warm, (4, 4, 0, End::HandedOver)),
        (Prior::ForeignNewer, Cold, (4, 4, 0, End::HandedOver)),
        (Prior::UnplacedNewer, Cold, (4, 4, 0, End::HandedOver)),
    ] {
        assert_eq!(cost(&[], prior, memory), expected, "{prior:?} {memory:?}");
    }
    let absent = |faults: &[Fault]| cost(faults, Prior::Absent, Cold);
    assert_eq!(absent(&[Fault::NoContainer]), (2, 0, 1, End::Stored));
    assert_eq!(absent(&[Fault::ErrorAfter]), (2, 1, 0, End::Stored));
    assert_eq!(absent(&[Fault::LateAtOnce]), (2, 1, 0, End::Stored));
    let throttled = [Fault::NoContainerThrottled; 4];
    assert_eq!(absent(&throttled), (4, 0, 4, End::HandedOver));
    let vanishes = [Fault::ContainerVanishes; 4];
    assert_eq!(absent(&vanishes), (8, 0, 4, End::HandedOver));
    // Twice the same state and twice refused is enough to know.
    assert_eq!(absent(&[Fault::Conflicts; 4]), (8, 8, 0, End::HandedOver));
}

#[test]
fn s4_an_unreadable_order_is_never_tried_and_handed_over_once() {
    let bodies: [&[u8]; 8] = [
        b"",
        b"not JSON",
        b"[]",
        b"{",
        b"{}",
        b"\xff\xfe",
        br#"{"id":7}"#,
        br#"{"id":"s","products":{}}"#,
    ];
    let answers = [Answer::Accepts, Answer::Refuses, Answer::Hangs];
    for (body, (index, answer)) in bodies
        .iter()
        .flat_map(|body| answers.iter().enumerate().map(move |answer| (body, answer)))
    {
        let index = u8::try_from(index).unwrap();
        let world = World::new(Storage::new(), Choices::fixed(&[index]));
        let delivery = Delivery {
            body: Bytes::from_static(body),
            ..Delivery::default()
        };
        let (reservation, took) = runtime().block_on(async {
            let started = Instant::now();
            let reservation = reserver(&world, None).reserve(&delivery).await;
            (reservation, started.elapsed())
        });
        let (expected, seconds) = match answer {
            Answer::Accepts => (End::HandedOver, 0),
            Answer::Refuses => (End::Abandoned, 1),
            Answer::Hangs => (End::Abandoned, 101),
        };
        assert_eq!(end(&reservation), expected, "{body:?} {answer:?}");
        assert_eq!((reservation.attempts, took.as_secs()), (0, seconds));
        assert!(matches!(reservation.reason, Some(Reason::Unreadable(_))));
        let state = world.state();
        assert_eq!((state.seen.attempts.len(), state.seen.puts), (0, 0));
        assert_eq!(state.seen.notices.len(), 1);
    }
}

/// Without a place only reading tells where to aim; and it never goes over an order that has one,
/// nor over a file of somebody else's.
#[test]
fn s2_an_order_without_a_place_reads_and_overwrites_only_what_has_none() {
    for prior in PRIORS {
        let cast = Cast::unplaced(prior, Memory::Warm);
        let world = World::scripted(&[]);
        let (observed, _) = runtime().block_on(run(&cast, 1, world, None, Coming::Alone));
        let expected = match prior {
            Prior::Absent | Prior::UnplacedOlder | Prior::UnplacedNewer => (End::Stored, 1, 1),
            _ => (End::HandedOver, 0, 4),
        };
        let seen = &observed.seen;
        assert_eq!((observed.end, seen.puts, seen.heads), expected, "{prior:?}");
        assert_eq!(check(&observed, &cast), [], "{prior:?}");
    }
}

/// The brake before a redelivery: the broker itself has none.
#[test]
fn s5_each_redelivery_waits_longer() {
    let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60];
    let count = (1..).zip(expected);
    for (count, seconds) in count.chain([(0, 1), (u32::MAX, 60)]) {
        let world = World::new(Storage::new(), Choices::fixed(&[1]));
        let delivery = Delivery {
            delivery_count: Some(count),
            ..Delivery::default()
        };
        let took = runtime().block_on(async {
            let started = Instant::now();
            reserver(&world, None).reserve(&delivery).await;
            started.elapsed()
        });
        assert_eq!(took.as_secs(), seconds, "delivery {count}");
    }
}
