//! What was there before, what is kept among many, and the way of one message.

use super::*;

fn peeked(sequence: u64, delivery_count: u32) -> Peeked {
    let message = Sent::new("{}").with_session("S");
    Peeked {
        state: bus::MessageState::Active,
        accepted: Accepted {
            sequence,
            enqueued: NOW,
            expires: NOW,
            message,
        },
        delivery_count,
        locked_until: None,
    }
}

fn letter(sequence: u64) -> DeadLetter {
    DeadLetter {
        accepted: peeked(sequence, 10).accepted,
        delivery_count: 10,
        at: NOW,
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    }
}

#[test]
fn what_was_there_before_the_run_is_shown_and_not_counted_as_posted() {
    let mut world = World::default();
    let id = Uuid::from_u128(5);
    let messages = [peeked(8, 2)];
    world
        .0
        .found(&messages, &[letter(3)], &[handed_over(id, 7)], NOW);
    world.0.found_mail(&mail(4, id));
    assert_eq!(world.whole(8)["stage"], "waiting");
    assert_eq!(world.whole(8)["deliveryCount"], 2);
    assert_eq!(world.whole(3)["stage"], "deadLettered");
    assert_eq!((world.0.totals.found, world.0.totals.accepted), (2, 0));
    let newer = json!(world.0.newer_mail("S.json", Some(6), NOW));
    assert_eq!((&newer["sequence"], &newer["mail"]), (&json!(7), &json!(4)));
    world.locked(8, 3);
    world.outcome(8, 3, "stored");
    world.queue(&Transition::Completed { sequence: 8 });
    world.queue(&Transition::LetterCompleted { sequence: 3 });
    let totals = world.0.totals;
    assert_eq!((totals.stored, totals.redriven), (1, 1));
}

#[test]
fn a_mail_that_was_sent_for_a_newer_order_is_told_of_the_blob_until_a_newer_one_is_stored() {
    let mut world = World::default();
    let id = Uuid::from_u128(1);
    world.accepted(7);
    world.0.handed_over(&handed_over(id, 7));
    let newer = |world: &World, stored| world.0.newer_mail("S.json", stored, NOW);
    assert!(newer(&world, Some(6)).is_some());
    assert!(newer(&world, Some(7)).is_none());
    assert!(newer(&world, Some(8)).is_none());
    assert!(newer(&world, None).is_none(), "by time: not after it");
    assert!(world.0.newer_mail("other.json", None, NOW).is_none());
    // An older order that is mailed later does not take its place.
    world.0.handed_over(&handed_over(Uuid::from_u128(2), 5));
    assert_eq!(json!(newer(&world, Some(6)))["sequence"], 7);
}

#[test]
fn a_message_is_counted_where_it_is_and_deliveries_apart() {
    let mut world = World::default();
    world.accepted(1);
    for delivery in 1..=2 {
        world.locked(1, delivery);
        world.queue(&Transition::Released {
            sequence: 1,
            delivery_count: delivery,
        });
    }
    world.locked(1, 3);
    world.queue(&Transition::Completed { sequence: 1 });
    assert_eq!(world.0.totals.completed, 1);
    // The handler's lines may come twice, after a lock that was lost.
    for delivery in [2, 3, 3] {
        world.outcome(1, delivery, "stored");
    }
    let totals = world.0.totals;
    assert_eq!((totals.stored, totals.completed), (1, 0));
    assert_eq!(totals.given_back, 2);
}

#[test]
fn what_the_function_has_is_known_however_many_came_after_it() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    let many = 2 * MESSAGES_MAX as u64;
    (2..=many).for_each(|sequence| world.accepted(sequence));
    assert_eq!(world.whole(1)["stage"], "delivering");
    assert_eq!(world.0.all().count(), MESSAGES_MAX);
    let shown: Vec<u64> = world.0.newest(10).map(|it| it.sequence).collect();
    assert_eq!(shown.last(), Some(&1), "it is shown beside the newest");
    // The next one was forgotten: who tells the model asks the queue for it.
    assert!(!world.0.knows(2));
    let mut handed_out = peeked(2, 1);
    handed_out.locked_until = Some(NOW);
    world.0.recall(&handed_out, NOW);
    assert_eq!(world.whole(2)["stage"], "delivering");
    let changed = world.0.take_changed(10);
    assert!(changed.iter().any(|message| message.sequence == 2));
}

#[test]
fn bodies_are_bounded_in_bytes() {
    let mut world = World::default();
    for sequence in 1..=200 {
        let mut large = peeked(sequence, 0).accepted;
        large.message = Sent::new(vec![b'x'; 256 * 1024]);
        world.queue(&Transition::Accepted(Arc::new(large)));
    }
    assert_eq!(world.0.all().count(), 128);
    assert!(world.0.knows(200));
}

#[test]
fn the_way_of_a_message_has_its_deliveries_and_what_the_handler_waits_for() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    answered(&mut world, 1, StatusCode::SERVICE_UNAVAILABLE);
    world.log(&json!({ "timestamp": "2026-05-04T09:30:01.5Z", "level": "DEBUG", "sequence_number": 1, "delivery_count": 1, "next": "upload", "attempt": 2, "wait_ms": 1_250, "error": "503" }));
    let next = &world.whole(1)["next"];
    assert_eq!(next["what"], "upload");
    assert_eq!(next["attempt"], 2);
    assert_eq!(next["due"], "2026-05-04T09:30:02.750Z");
    answered(&mut world, 2, StatusCode::CREATED);
    assert_eq!(world.whole(1)["next"], Value::Null);
    assert_eq!(world.whole(1)["steps"].as_array().unwrap().len(), 1);
    world.0.transition(
        &Transition::Completed { sequence: 1 },
        NOW + Duration::SECOND,
    );
    let delivery = &world.whole(1)["deliveries"][0];
    assert_eq!(delivery["at"], "2026-05-04T09:30:00.000Z");
    assert_eq!(delivery["endedAt"], "2026-05-04T09:30:01.000Z");
    assert_eq!(world.whole(1)["tookMs"], 0.0, "stored by its second upload");
    let lines: Vec<_> = world.0.log.after(0).collect();
    assert_eq!(json!(lines)[0][1]["level"], "debug");
}

#[test]
fn what_another_storage_took_is_timed_by_the_queue_and_nothing_twice() {
    let minute = |ends: &[(u64, &str, bool)]| {
        let mut world = World::default();
        world.0.tick(NOW, 0);
        for (sequence, outcome, is_seen) in ends {
            world.accepted(*sequence);
            world.locked(*sequence, 1);
            if *is_seen {
                answered(&mut world, *sequence, StatusCode::CREATED);
            }
            let completed = Transition::Completed {
                sequence: *sequence,
            };
            world
                .0
                .transition(&completed, NOW + Duration::milliseconds(20));
            world.outcome(*sequence, 1, outcome);
        }
        world.0.tick(NOW + Duration::SECOND, 0);
        json!(world.0.pulse.shown())["minute"].take()
    };
    let elsewhere = [(1, "stored", false)];
    assert_eq!(minute(&elsewhere), json!({ "p50": 20.0, "p99": 20.0 }));
    let here = [(1, "stored", true)];
    assert_eq!(minute(&here), json!({ "p50": 0.0, "p99": 0.0 }));
    let mailed = [(1, "handed over", false), (2, "superseded", false)];
    assert_eq!(minute(&mailed), json!({ "p50": null, "p99": null }));
}

#[test]
fn what_the_wire_tells_after_the_queue_is_the_same() {
    let mut world = World::default();
    world.0.tick(NOW, 0);
    world.accepted(1);
    world.locked(1, 1);
    let completed = Transition::Completed { sequence: 1 };
    world
        .0
        .transition(&completed, NOW + Duration::milliseconds(20));
    let container = PATH.rsplit_once('/').unwrap().0;
    for (number, path, of, status) in [
        (1, PATH, Some(1), StatusCode::NOT_FOUND),
        (2, container, None, StatusCode::CREATED),
        (3, PATH, Some(1), StatusCode::CREATED),
    ] {
        world.wire_to(path, number, of, Method::PUT, Moment::Arrived);
        world.wire_to(path, number, of, Method::PUT, Moment::Answered(status));
    }
    assert_eq!(world.whole(1)["uploads"], json!(["201"]));
    assert_eq!(world.whole(1)["tookMs"], 0.0, "when the storage took it");
    assert_eq!(world.0.totals.uploads_failed, 0);
    world.0.tick(NOW + Duration::SECOND, 0);
    let minute = &json!(world.0.pulse.shown())["minute"];
    assert_eq!(*minute, json!({ "p50": 0.0, "p99": 0.0 }));
}

#[test]
fn the_clicks_trace_is_told_when_the_publisher_tells_it() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (name, context, told) in [
        (
            "Diagnostic-Id",
            format!("00-{id}-00f067aa0ba902b7-01"),
            true,
        ),
        ("traceparent", format!("00-{id}-00f067aa0ba902b7-01"), true),
        ("traceparent", "<b>-x".to_owned(), false),
    ] {
        let mut world = World::default();
        let mut accepted = peeked(1, 0).accepted;
        let application = &mut accepted.message.properties.application;
        application.insert(name.to_owned(), context.into());
        world.queue(&Transition::Accepted(Arc::new(accepted)));
        let expected = told.then_some(id);
        assert_eq!(world.whole(1)["traceId"], json!(expected), "{name}");
        assert_eq!(world.0.message(1).unwrap().is_meant_by(id), told);
    }
}

#[test]
fn a_redriven_letter_is_timed_for_itself_and_not_among_the_orders() {
    let mut world = World::default();
    world.0.tick(NOW, 0);
    world.accepted(1);
    world.queue(&Transition::DeadLettered {
        sequence: 1,
        delivery_count: 10,
        at: NOW,
        reason: DeadLetterReason::MaxDeliveryCountExceeded,
    });
    answered(&mut world, 1, StatusCode::CREATED);
    world.queue(&Transition::LetterCompleted { sequence: 1 });
    assert_eq!(world.whole(1)["tookMs"], 0.0);
    world.0.tick(NOW + Duration::SECOND, 0);
    let minute = &json!(world.0.pulse.shown())["minute"];
    assert_eq!(*minute, json!({ "p50": null, "p99": null }));
}
