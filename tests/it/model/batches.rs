//! The same for batches: what the queue hands out at once is taken as one, in every composition and
//! order; crashes between any two steps, locks that end one by one, time that is over before all
//! had their turn, and orders of other sessions that take the batch along.

use order_items_reserver::order::{CLOCK_STEP_MAX_SECS, Position};

use super::explore::explore;
use super::messages::{at, in_partition};
use super::protocol::{BatchRule, Broken, Entry, Protocol};
use super::{among, assert_breaks, assert_safe, chosen, placed, rising};

/// Both messages may come in one invocation.
fn pair(positions: [Position; 2], shared_memory: bool) -> Protocol {
    Protocol {
        batch_max: 2,
        shared_memory,
        ..chosen(positions)
    }
}

/// Of two runs each has its attempts, which is too much for the time of a test.
fn one_try(protocol: Protocol) -> Protocol {
    Protocol {
        attempts: 1,
        ..protocol
    }
}

/// Three messages, the middle one of another partition: nobody can tell it from its neighbours, of
/// which the second is newer than the first.
fn one_between() -> [Position; 3] {
    let (third, ninth) = (|number| in_partition(3, number), in_partition(9, 1));
    [at(third(7), 0), at(ninth, 1), at(third(8), 2)]
}

fn triple(positions: [Position; 3]) -> Protocol {
    Protocol {
        batch_max: 3,
        ..among(placed(&positions))
    }
}

#[test]
fn s1_s2_s6_l1_l2_hold_in_every_state_of_batches() {
    let states = [false, true].map(|shared| assert_safe(&pair(rising(), shared)).states);
    assert_eq!(states, [398_407, 348_710], "states appeared or got lost");
}

/// Two that are no neighbours of one run: each meets the file. Or nobody can tell them apart, and
/// the second is mailed while the first is stored.
#[test]
fn s2_holds_in_every_state_of_batches_where_numbers_do_not_tell() {
    let clock_went_back = [at(7, 0), at(8, -CLOCK_STEP_MAX_SECS)];
    let nobody_can_tell = [at(7, 0), at(in_partition(9, 1), 1)];
    let states = [clock_went_back, nobody_can_tell]
        .map(|positions| assert_safe(&one_try(pair(positions, true))).states);
    assert_eq!(states, [448_676, 366_283], "states appeared or got lost");
}

/// Every other way in which two can stand to each other, and with both attempts.
#[test]
#[ignore = "takes minutes"]
fn s2_holds_in_every_state_of_batches_of_a_larger_model() {
    let another_partition_later = [at(7, 0), at(in_partition(9, 1), CLOCK_STEP_MAX_SECS + 1)];
    let states = [
        [at(7, 0), at(8, -CLOCK_STEP_MAX_SECS)],
        [at(8, 0), at(3, 61)],
        another_partition_later,
        [at(7, 0), at(in_partition(9, 1), 1)],
        [at(7, 0); 2],
    ]
    .map(|positions| assert_safe(&pair(positions, true)).states);
    assert_eq!(
        states,
        [1_593_537, 1_569_829, 1_525_562, 1_189_875, 1_189_875],
        "states appeared or got lost"
    );
    let unplaced = [
        Entry::message(1, Some(at(7, 0)), 0),
        Entry::message(2, None, 5),
    ];
    let protocol = Protocol {
        batch_max: 2,
        shared_memory: true,
        ..among(unplaced.into())
    };
    let states = assert_safe(&protocol).states;
    assert_eq!(states, 1_057_299, "states appeared or got lost");
}

/// A run of three; a queue created anew after two; one between two that belong together.
#[test]
fn s1_s2_s6_l1_l2_hold_in_every_state_of_batches_of_three() {
    let one_run = [at(7, 0), at(8, 1), at(9, 2)];
    let created_anew = [at(7, 0), at(8, 1), at(2, 90)];
    let states = [one_run, created_anew, one_between()].map(|positions| {
        let protocol = Protocol {
            deliveries: 1,
            ..one_try(triple(positions))
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [34_248, 74_665, 61_403],
        "states appeared or got lost"
    );
}

/// The controls: each simpler rule acknowledges an order that nobody has.
#[test]
fn s1_breaks_with_each_simpler_rule_for_a_batch() {
    let created_anew = [at(8, 0), at(3, 61)];
    let nobody_can_tell = [at(7, 0), at(7, 30)];
    let steps = [
        (BatchRule::Last, rising()),
        (BatchRule::HighestNumber, created_anew),
        (BatchRule::AnyIsDone, nobody_can_tell),
        (BatchRule::OlderAreDone, rising()),
        (BatchRule::LeavesTheUnlocked, rising()),
    ]
    .map(|(batch_rule, positions)| {
        let protocol = Protocol {
            batch_rule,
            ..pair(positions, false)
        };
        assert_breaks(&protocol, Broken::Lost)
    });
    assert_eq!(steps, [4, 4, 5, 5, 4]);
}

/// How a calm world without faults ends, whichever way the queue is cut into batches.
fn ends(positions: [Position; 3], batch_max: usize, batch_rule: BatchRule) -> Vec<(u8, u8)> {
    let calm = Protocol {
        batch_max,
        batch_rule,
        faults: false,
        fifo: true,
        ..triple(positions)
    };
    let explored = explore(&calm, None);
    assert!(explored.broken.is_empty(), "{:?}", explored.broken.keys());
    explored.ends.into_iter().collect()
}

/// The file and who is mailed do not depend on the cuts. The control: where the newest of a batch
/// supersedes what is no neighbour of it, too, the one between is stored, and the newest mailed.
#[test]
fn the_cuts_of_a_queue_decide_nothing() {
    let created_anew = [at(7, 0), at(8, 1), at(2, 90)];
    let (middle, newest) = (0b010, 0b100);
    for (positions, end) in [
        ([at(7, 0), at(8, 1), at(9, 2)], (3, 0)),
        (created_anew, (3, 0)),
        (one_between(), (3, middle)),
    ] {
        assert_eq!(ends(positions, 1, BatchRule::Product), [end], "one by one");
        assert_eq!(ends(positions, 3, BatchRule::Product), [end], "in batches");
    }
    let wider = ends(one_between(), 3, BatchRule::Newest);
    assert_eq!(wider, [(2, newest), (3, middle)]);
}
