//! Requests on the wire, and whose they are.

use super::*;

#[test]
fn a_cart_that_is_stored_has_its_upload_and_its_line() {
    let mut world = World::default();
    world.accepted(1);
    assert_eq!(world.whole(1)["stage"], "waiting");
    world.locked(1, 1);
    assert_eq!(world.whole(1)["stage"], "delivering");
    world.wire(1, Some(1), Method::PUT, Moment::Arrived);
    assert_eq!(world.whole(1)["uploads"], json!(["…"]));
    world.wire(
        1,
        Some(1),
        Method::PUT,
        Moment::Answered(StatusCode::CREATED),
    );
    world.outcome(1, 1, "stored");
    world.queue(&Transition::Completed { sequence: 1 });
    let whole = world.whole(1);
    assert_eq!(whole["stage"], "stored");
    assert_eq!(whole["uploads"], json!(["201"]));
    assert_eq!(whole["contents"], "2 × Scratcher");
    assert_eq!(whole["log"].as_array().unwrap().len(), 1);
    assert_eq!((world.0.totals.uploads, world.0.totals.stored), (1, 1));
}

#[test]
fn each_delivery_shows_its_own_uploads_and_the_message_keeps_all() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    for number in 1..=4 {
        world.wire(number, Some(1), Method::PUT, Moment::Arrived);
        let busy = Moment::Answered(StatusCode::SERVICE_UNAVAILABLE);
        world.wire(number, Some(1), Method::PUT, busy);
    }
    assert_eq!(
        world.whole(1)["uploads"],
        json!(["503", "503", "503", "503"])
    );
    world.queue(&Transition::Released {
        sequence: 1,
        delivery_count: 1,
    });
    world.locked(1, 2);
    assert_eq!(world.whole(1)["uploads"], json!([]));
    world.wire(5, Some(1), Method::PUT, Moment::Arrived);
    world.wire(5, Some(1), Method::PUT, Moment::Unanswered);
    assert_eq!(world.whole(1)["uploads"], json!(["no answer"]));
    assert_eq!(world.whole(1)["requests"].as_array().unwrap().len(), 5);
    assert_eq!(world.0.totals.uploads_failed, 5);
}

#[test]
fn a_condition_that_does_not_hold_is_no_failure() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    for (number, status) in [
        (1, StatusCode::CONFLICT),
        (2, StatusCode::PRECONDITION_FAILED),
    ] {
        world.wire(number, Some(1), Method::PUT, Moment::Arrived);
        world.wire(number, Some(1), Method::PUT, Moment::Answered(status));
    }
    assert_eq!(world.whole(1)["uploads"], json!(["409", "412"]));
    assert_eq!(
        (world.0.totals.uploads, world.0.totals.uploads_failed),
        (0, 0)
    );
}

#[test]
fn a_read_belongs_to_the_message_whose_upload_went_there() {
    let mut world = World::default();
    for sequence in [1, 2] {
        world.accepted(sequence);
        world.locked(sequence, 1);
    }
    world.wire(1, Some(1), Method::PUT, Moment::Arrived);
    world.wire(2, None, Method::HEAD, Moment::Arrived);
    world.wire(2, None, Method::HEAD, Moment::Answered(StatusCode::OK));
    assert_eq!(world.whole(1)["requests"][1]["answer"], "200");
    assert_eq!(world.whole(2)["requests"], json!([]));
}
