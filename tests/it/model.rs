//! S1, S2, S6, L1 and L2 of the write protocol, by visiting every state of a small model of it:
//! two messages of one session, two handlers, two attempts of two rounds each, redeliveries, lost
//! locks, crashes at any point, lost requests, lost answers, late writes, a refusing fallback.
//!
//! Which of two messages is newer the model asks the product's own `Stored::judge`: by partition,
//! number, time and id, and by `Last-Modified` where there is no number. Somebody may save or
//! delete the file by hand. Not in it: the container; the fault matrix and the properties, which
//! run the real code, have it.

pub(crate) mod choices;
pub(crate) mod messages;
pub(crate) mod rules;
pub(crate) mod storage;

mod batches;
mod explore;
mod protocol;

use order_items_reserver::order::{CLOCK_STEP_MAX_SECS, Order, Position, Standing};
use order_items_reserver::store::{Stored, Verdict};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use explore::{Explored, explore};
use messages::{Message, at, in_partition};
use protocol::{BatchRule, Broken, ByHand, Entry, Protocol, Variant};
use rules::Rule;

/// The product's protocol, in the worst of worlds: messages come in any order.
fn chosen(positions: [Position; 2]) -> Protocol {
    among(placed(&positions))
}

fn among(entries: Vec<Entry>) -> Protocol {
    Protocol {
        variant: Variant::Chosen,
        shared_memory: false,
        fifo: false,
        faults: true,
        deliveries: 2,
        batch_max: 1,
        batch_rule: BatchRule::Product,
        attempts: 2,
        entries,
        rule: None,
        by_hand: ByHand::Nothing,
    }
}

fn placed(positions: &[Position]) -> Vec<Entry> {
    let ranked = (1..).zip(positions);
    ranked
        .map(|(rank, position)| Entry::message(rank, Some(*position), 0))
        .collect()
}

fn rising() -> [Position; 2] {
    [at(7, 0), at(8, 1)]
}

/// The same for another variant, in the best of worlds: a queue with sessions.
fn fifo(variant: Variant) -> Protocol {
    Protocol {
        variant,
        fifo: true,
        deliveries: 3,
        ..chosen(rising())
    }
}

fn assert_safe(protocol: &Protocol) -> Explored {
    let explored = explore(protocol, None);
    let traces: Vec<_> = explored
        .broken
        .values()
        .map(explore::Trace::render)
        .collect();
    assert!(
        traces.is_empty(),
        "{:?}\n{}",
        explored.broken.keys(),
        traces.join("\n")
    );
    explored
}

/// The shortest way in which the protocol breaks like this; its length in steps.
fn assert_breaks(protocol: &Protocol, broken: Broken) -> usize {
    let explored = explore(protocol, Some(broken));
    let Some(trace) = explored.broken.get(&broken) else {
        panic!("{protocol:?} holds in {} states", explored.states);
    };
    println!("{:?}: {broken:?}\n{}", protocol.variant, trace.render());
    trace.len()
}

#[test]
fn s1_s2_s6_l1_l2_hold_in_every_state() {
    let states = [false, true].map(|shared_memory| {
        let protocol = Protocol {
            shared_memory,
            ..chosen(rising())
        };
        assert_safe(&protocol).states
    });
    assert_eq!(states, [295_582, 257_446], "states appeared or got lost");
}

/// Every way in which two positions can stand to each other, but for the one that breaks: see
/// [`s2_needs_a_moment_between_two_lives_of_a_queue`].
#[test]
fn s2_holds_in_every_state_whatever_number_and_time_say() {
    let clock_went_back = [at(7, 0), at(8, -CLOCK_STEP_MAX_SECS)];
    let queue_created_anew_at_once = [at(8, 0), at(3, CLOCK_STEP_MAX_SECS + 1)];
    let queue_created_anew = [at(8, 0), at(3, 61)];
    let nobody_can_tell = [at(7, 0), at(7, 30)];
    let states = [
        clock_went_back,
        queue_created_anew_at_once,
        queue_created_anew,
        nobody_can_tell,
    ]
    .map(|positions| {
        let protocol = Protocol {
            shared_memory: true,
            ..chosen(positions)
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [259_490, 191_345, 256_130, 191_345],
        "states appeared or got lost"
    );
}

/// The older first; which of its own partition's numbers a message has says nothing.
fn partitions() -> [[Position; 2]; 4] {
    let (third, ninth) = (in_partition(3, 7), in_partition(9, 3));
    [
        [at(ninth, 0), at(third, CLOCK_STEP_MAX_SECS + 1)],
        [at(third, 0), at(ninth, CLOCK_STEP_MAX_SECS + 1)],
        // Nobody can tell these: within what clocks may differ, and against them.
        [at(ninth, 0), at(third, CLOCK_STEP_MAX_SECS)],
        [at(ninth, 1), at(third, 0)],
    ]
}

#[test]
fn s2_holds_in_every_state_of_two_partitions() {
    let states = partitions().map(|positions| {
        let protocol = Protocol {
            shared_memory: true,
            ..chosen(positions)
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [254_160, 254_160, 191_345, 191_345],
        "states appeared or got lost"
    );
}

/// A message beside one without a place, which was written at once, or late.
fn unplaced() -> [Vec<Entry>; 3] {
    let placed = |rank, position| Entry::message(rank, Some(position), 0);
    [
        vec![placed(1, at(7, 0)), Entry::message(2, None, 5)],
        vec![Entry::message(1, None, 1), placed(2, at(7, 4))],
        vec![Entry::message(1, None, 2), placed(2, at(7, 4))],
    ]
}

#[test]
fn s2_holds_in_every_state_where_a_message_has_no_place() {
    let states = unplaced().map(|entries| {
        let protocol = Protocol {
            shared_memory: true,
            ..among(entries)
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [168_923, 249_349, 168_923],
        "states appeared or got lost"
    );
}

#[test]
fn s1_holds_in_every_state_where_two_messages_have_one_place() {
    let states = [false, true].map(|shared_memory| {
        let protocol = Protocol {
            shared_memory,
            ..chosen([at(7, 0); 2])
        };
        assert_safe(&protocol).states
    });
    assert_eq!(states, [209_453, 191_345], "states appeared or got lost");
}

/// Somebody saves a file between two messages: long enough before the second, or hardly; or before
/// one without a place.
fn saved_by_hand() -> [Vec<Entry>; 3] {
    let older = Entry::message(1, Some(at(7, 0)), 0);
    let file = Entry::file(5);
    let newer = |seconds| Entry::message(3, Some(at(8, seconds)), 0);
    [
        vec![older.clone(), file.clone(), newer(8)],
        vec![older.clone(), file.clone(), newer(7)],
        vec![older, file, Entry::message(3, None, 8)],
    ]
}

#[test]
fn s2_holds_in_every_state_where_a_file_is_saved_by_hand() {
    let states = saved_by_hand().map(|entries| {
        let protocol = Protocol {
            shared_memory: true,
            by_hand: ByHand::Saves,
            ..among(entries)
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [433_663, 317_223, 218_362],
        "states appeared or got lost"
    );
}

fn deleting(by_hand: ByHand, deliveries: u8) -> Protocol {
    Protocol {
        shared_memory: true,
        deliveries,
        by_hand,
        ..chosen(rising())
    }
}

/// No order is lost over it. But who deletes a file lets an older order in that is delivered again.
#[test]
fn s1_holds_in_every_state_where_a_file_is_deleted_by_hand() {
    let states = assert_safe(&deleting(ByHand::Deletes, 1)).states;
    assert_eq!(states, 19_523, "states appeared or got lost");
    let resurrected = deleting(ByHand::DeletesForGood, 1);
    assert_eq!(assert_breaks(&resurrected, Broken::OlderOverNewer), 5);
}

/// The limit where two messages have no place: whichever is written last stays.
#[test]
fn s2_needs_a_place() {
    let bare = among(vec![Entry::message(1, None, 5), Entry::message(2, None, 5)]);
    assert_eq!(assert_breaks(&bare, Broken::OlderOverNewer), 8);
}

/// The controls: each simpler rule goes back, or loses an order.
#[test]
fn s1_and_s2_break_with_each_simpler_rule() {
    let ruled = |rule, by_hand, entries| Protocol {
        rule: Some(rule),
        by_hand,
        ..among(entries)
    };
    let [.., together] = partitions();
    let [_, after_unplaced, _] = unplaced();
    let [between_messages, ..] = saved_by_hand();
    let one_place = placed(&[at(7, 0); 2]);
    let (nothing, saves) = (ByHand::Nothing, ByHand::Saves);
    let steps = [
        (Rule::WholeNumbers, nothing, placed(&together)),
        (Rule::UnplacedWins, nothing, after_unplaced),
        (Rule::FilesAreOlder, saves, between_messages),
    ]
    .map(|(rule, by_hand, entries)| {
        assert_breaks(&ruled(rule, by_hand, entries), Broken::OlderOverNewer)
    });
    assert_eq!(steps, [6, 6, 7]);
    let any_id = ruled(Rule::AnyMessageId, nothing, one_place);
    assert_eq!(assert_breaks(&any_id, Broken::Lost), 8);
}

/// Two carts, then a third from a queue created anew.
fn three_messages(shared_memory: bool, deliveries: u8) -> Protocol {
    Protocol {
        shared_memory,
        deliveries,
        entries: placed(&[at(7, 0), at(8, 1), at(2, 90)]),
        ..chosen(rising())
    }
}

#[test]
fn s1_s2_s6_l1_l2_hold_in_every_state_of_three_messages() {
    let states = [false, true].map(|shared| assert_safe(&three_messages(shared, 1)).states);
    assert_eq!(states, [109_656, 94_213], "states appeared or got lost");
}

/// The same with a redelivery more of each message.
#[test]
#[ignore = "takes minutes"]
fn s1_s2_s6_l1_l2_hold_in_every_state_of_a_larger_model() {
    let states = [false, true].map(|shared_memory| {
        let protocol = Protocol {
            shared_memory,
            deliveries: 3,
            ..chosen(rising())
        };
        assert_safe(&protocol).states
    });
    assert_eq!(
        states,
        [1_269_291, 1_038_066],
        "states appeared or got lost"
    );
    let states = assert_safe(&three_messages(true, 2)).states;
    assert_eq!(states, 9_740_456, "states appeared or got lost");
    let states = assert_safe(&deleting(ByHand::Deletes, 2)).states;
    assert_eq!(states, 2_501_467, "states appeared or got lost");
}

/// The controls: each simpler protocol breaks, even where messages come in order.
#[test]
fn s2_breaks_with_an_unconditional_put() {
    let steps = assert_breaks(&fifo(Variant::Unconditional), Broken::OlderOverNewer);
    assert_eq!(steps, 8);
}

#[test]
fn s2_breaks_with_a_head_before_an_unconditional_put() {
    let steps = assert_breaks(&fifo(Variant::HeadThenPut), Broken::OlderOverNewer);
    assert_eq!(steps, 12);
}

#[test]
fn s1_and_s6_break_when_a_conflict_is_taken_for_a_newer_order() {
    let protocol = fifo(Variant::ConflictMeansNewer);
    assert_eq!(assert_breaks(&protocol, Broken::Lost), 8);
    assert_eq!(assert_breaks(&protocol, Broken::SupersededUnread), 6);
}

/// A memory of versions without numbers is safe only where each process has its own and messages
/// come in order.
#[test]
fn s2_breaks_with_a_memory_of_versions_alone() {
    let separate = fifo(Variant::EtagMemory);
    assert_safe(&separate);
    let shared = Protocol {
        shared_memory: true,
        ..separate.clone()
    };
    assert_eq!(assert_breaks(&shared, Broken::OlderOverNewer), 11);
    let any_order = Protocol {
        fifo: false,
        ..separate
    };
    assert_eq!(assert_breaks(&any_order, Broken::OlderOverNewer), 6);
}

/// To take a conflict for a failure is safe, but a process that forgot the session hands every
/// order of it over to a person, with nothing broken at all. The product's protocol never does.
#[test]
fn a_conflict_taken_for_a_failure_is_safe_but_bothers_people() {
    let protocol = fifo(Variant::ConflictIsFailure);
    assert_safe(&protocol);
    let calm = |variant| Protocol {
        faults: false,
        ..fifo(variant)
    };
    let mailed = assert_safe(&calm(Variant::ConflictIsFailure)).mailed;
    println!("{}", mailed.expect("nobody was bothered").render());
    for fifo in [true, false] {
        let chosen = Protocol {
            fifo,
            ..calm(Variant::Chosen)
        };
        assert!(assert_safe(&chosen).mailed.is_none());
    }
}

/// A pair of messages of one life of a queue, the older first.
fn pairs_of_a_life() -> impl Iterator<Item = (Position, Position)> {
    let within_a_partition = (1..=3).flat_map(|rise| {
        (-CLOCK_STEP_MAX_SECS..=200).map(move |later| (at(100, 0), at(100 + rise, later)))
    });
    let across_partitions = [1, 100, 150].into_iter().flat_map(|number| {
        let newer = move |later| at(in_partition(3, number), later);
        (-CLOCK_STEP_MAX_SECS..=200).flat_map(move |later| {
            let older = [at(100, 0), at(in_partition(9, 100), 0)];
            older.map(|older| (older, newer(later)))
        })
    });
    within_a_partition.chain(across_partitions)
}

/// The same, or of two lives that are so far apart.
fn pairs(gap: i64) -> impl Iterator<Item = (Position, Position)> {
    let across_lives = [1, 50, 99, 100, 101, 150]
        .into_iter()
        .flat_map(move |number| (gap..=300).map(move |later| (at(100, 0), at(number, later))));
    pairs_of_a_life().chain(across_lives)
}

fn goes_back((older, newer): (Position, Position)) -> bool {
    let overwrites = [Standing::Newer, Standing::Later, Standing::Renumbered];
    let overwrites = overwrites.contains(&older.against(newer));
    let drops = [Standing::Same, Standing::Superseded].contains(&newer.against(older));
    overwrites || drops || older.against(newer) == Standing::Same
}

/// With [`chosen`], which holds for two messages, this is S2 for any number of them: no message
/// overwrites a newer one, and none is dropped for an older one. What is assumed: within one life
/// and one partition of a queue numbers rise; the clock goes back by two seconds at the most, and
/// no two partitions are further apart; between two lives there are more than two.
#[test]
fn s2_number_and_time_never_prefer_the_older() {
    let gap = CLOCK_STEP_MAX_SECS + 1;
    assert_eq!(pairs(gap).filter(|&pair| goes_back(pair)).count(), 0);
    assert_eq!(pairs(gap).count(), 3 * 203 + 6 * 298 + 3 * 203 * 2);
}

/// When a letter dies after it was accepted, in seconds.
const DEATHS: [i64; 6] = [0, 1, 3, 60, 61, 86_400];

/// What a redrive makes of two letters in either order, if dead letters carry the time of their
/// deaths: whether the older overwrites the newer, or the newer is dropped.
fn redrive_goes_back(
    (older, newer): (Position, Position),
    judge: fn(&Stored, &Order) -> Verdict,
) -> bool {
    let letter = |rank, position: Position, after| {
        let Position { sequence, enqueued } = position;
        let enqueued = OffsetDateTime::parse(&enqueued.to_string(), &Rfc3339).unwrap();
        let enqueued = (enqueued + time::Duration::seconds(after)).into();
        Message::new("s", rank, Some(Position { sequence, enqueued }))
    };
    let mut deaths = DEATHS
        .iter()
        .flat_map(|first| DEATHS.map(|second| (*first, second)));
    deaths.any(|(first, second)| {
        let older = letter(1, older, first);
        let newer = letter(2, newer, second);
        let order = |message: &Message| Order::parse(&message.delivery(10)).unwrap();
        let stored = |message: &Message| Stored {
            origin: message.content().origin,
            modified: None,
        };
        let may_follow = matches!(
            judge(&stored(&newer), &order(&older)),
            Verdict::Superseded(_) | Verdict::Doubtful(_)
        );
        let is_dropped = matches!(
            judge(&stored(&older), &order(&newer)),
            Verdict::Superseded(_) | Verdict::Same
        );
        !may_follow || is_dropped
    })
}

/// A redrive that is not told to trust times goes by numbers alone. (Letters of a former life are
/// gone with their queue.)
#[test]
fn s2_a_redrive_never_goes_back_whatever_time_a_letter_carries() {
    let by_numbers = |stored: &Stored, order: &Order| stored.judge(order).by_numbers_alone(order);
    let goes_back = |&pair: &_| redrive_goes_back(pair, by_numbers);
    assert_eq!(pairs_of_a_life().find(goes_back), None);
    let trusting = |&pair: &_| redrive_goes_back(pair, Stored::judge);
    // The control: by times of death each pair can be told wrong.
    assert_eq!(
        pairs_of_a_life().filter(trusting).count(),
        3 * 203 + 3 * 203 * 2
    );
}

/// The control, and the limit of the rule: a straggler of a queue that was created anew within two
/// seconds has a higher number and an almost equal time; it passes for newer. (The model delivers
/// the straggler late; in life it was delivered before its queue was deleted.)
#[test]
fn s2_needs_a_moment_between_two_lives_of_a_queue() {
    assert!(pairs(CLOCK_STEP_MAX_SECS).any(goes_back));
    let hasty = chosen([at(8, 0), at(3, CLOCK_STEP_MAX_SECS)]);
    assert_eq!(assert_breaks(&hasty, Broken::OlderOverNewer), 6);
}
