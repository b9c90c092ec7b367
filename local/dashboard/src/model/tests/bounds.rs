//! Memory.

use super::*;

#[test]
fn memory_is_bounded_and_the_counters_go_on() {
    let mut world = World::default();
    let many = MESSAGES_MAX as u64 + 300;
    for sequence in 1..=many {
        world.accepted(sequence);
        world.locked(sequence, 1);
        world.wire(sequence, Some(sequence), Method::PUT, Moment::Arrived);
        world
            .0
            .mailed(&mail(sequence, Uuid::from_u128(sequence.into())));
        world.log(&json!({ "message": "of nobody" }));
    }
    assert_eq!(world.0.totals.accepted, many);
    assert_eq!(world.0.newest(usize::MAX).count(), MESSAGES_MAX);
    assert!(world.0.message(300).is_none() && world.0.message(301).is_some());
    assert_eq!(world.0.activity.all().count(), 100);
    assert_eq!(world.0.take_changed(100).len(), 100);
    assert!(world.0.take_changed(100).is_empty());
    for number in 0..200 {
        world.wire(10_000 + number, Some(many), Method::PUT, Moment::Arrived);
        world.outcome(many, 1, "abandoned");
    }
    assert_eq!(world.whole(many)["requests"].as_array().unwrap().len(), 60);
    assert_eq!(world.whole(many)["log"].as_array().unwrap().len(), 60);
}
