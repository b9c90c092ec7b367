//! How a message ends, and who says so.

use super::*;

#[test]
fn a_line_that_comes_after_the_settlement_still_tells_the_outcome() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    world.queue(&Transition::Completed { sequence: 1 });
    assert_eq!(world.whole(1)["stage"], "completed");
    world.outcome(1, 1, "superseded");
    assert_eq!(world.whole(1)["stage"], "superseded");
}

#[test]
fn a_line_of_an_earlier_delivery_tells_nothing_of_this_one() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    world.outcome(1, 1, "stored");
    world.queue(&Transition::Released {
        sequence: 1,
        delivery_count: 1,
    });
    world.locked(1, 2);
    world.queue(&Transition::Completed { sequence: 1 });
    assert_eq!(world.whole(1)["stage"], "completed");
}

#[test]
fn a_mail_finds_its_message_whichever_is_told_first() {
    let mut world = World::default();
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    world.accepted(1);
    world.accepted(2);
    world.0.mailed(&mail(7, first));
    world.0.handed_over(&handed_over(first, 1));
    world.0.handed_over(&handed_over(second, 2));
    world.0.mailed(&mail(8, second));
    assert_eq!(world.whole(1)["mail"], 7);
    assert_eq!(world.whole(1)["reason"], "503 ServerBusy");
    assert_eq!(world.whole(2)["mail"], 8);
}

#[test]
fn a_dead_letter_says_why_and_a_redriven_one_that_it_is_settled() {
    let mut world = World::default();
    world.accepted(1);
    world.queue(&Transition::DeadLettered {
        sequence: 1,
        delivery_count: 10,
        at: NOW,
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    });
    assert_eq!(world.whole(1)["stage"], "deadLettered");
    assert_eq!(world.whole(1)["reason"], "MaxDeliveryCountExceeded");
    world.queue(&Transition::LetterCompleted { sequence: 1 });
    assert_eq!(world.whole(1)["stage"], "redriven");
}

#[test]
fn a_line_without_a_number_goes_to_the_sessions_message_in_flight_or_to_nobody() {
    let mut world = World::default();
    world.accepted(1);
    let line = json!({ "session": "S", "message": "the queue was recreated" });
    world.log(&line);
    assert_eq!(world.whole(1)["log"], json!([]));
    assert_eq!(world.0.activity.all().count(), 1);
    world.locked(1, 1);
    world.log(&line);
    assert_eq!(world.whole(1)["log"].as_array().unwrap().len(), 1);
    assert_eq!(world.0.activity.all().count(), 1);
}

#[test]
fn an_abandoned_delivery_is_in_the_message_and_among_what_else_happened() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    let delivered = Delivered {
        sequence: 1,
        message_id: None,
        session: None,
        delivery_count: 1,
        outcome: DeliveryOutcome::Abandoned {
            why: InvocationFailure::Status(500),
            last: false,
        },
        took: std::time::Duration::from_micros(1_250),
    };
    world.0.event(&Event::Delivered(delivered), NOW);
    let delivery = &world.whole(1)["deliveries"][0];
    assert_eq!(delivery["ended"], "abandoned (500): it comes again");
    assert_eq!(delivery["tookMs"], 1.3);
    assert_eq!(world.0.activity.all().count(), 1);
}
