//! Of a batch: each message ends in its own way, with its own attempts.

use super::*;

fn completed(sequence: u64) -> Event {
    Event::Delivered(Delivered {
        sequence,
        message_id: None,
        session: Some("S".to_owned()),
        delivery_count: 1,
        outcome: DeliveryOutcome::Completed {
            status: 200,
            logs: Vec::new(),
        },
        took: std::time::Duration::from_millis(4),
    })
}

/// The line of one, and the answer's lines, which the host tells before the ends. The queue may be
/// heard of before or after them.
#[test]
fn each_message_of_a_batch_has_its_own_end() {
    for queue_first in [false, true] {
        let mut world = World::default();
        for sequence in 1..=3 {
            world.accepted(sequence);
            world.locked(sequence, 1);
        }
        world.wire(1, Some(2), Method::PUT, Moment::Arrived);
        let created = Moment::Answered(StatusCode::CREATED);
        world.wire(1, Some(2), Method::PUT, created);
        world.log(
            &json!({ "sequence_number": 3, "delivery_count": 1, "attempts": 4,
            "outcome": "handed over", "reason": "503 ServerBusy" }),
        );
        let complete = |world: &mut World| {
            (1..=3).for_each(|sequence| world.queue(&Transition::Completed { sequence }));
        };
        if queue_first {
            complete(&mut world);
        }
        for text in [
            "#1 S.json superseded by a newer order of its batch, upload attempts: 0",
            "#2 S.json stored, upload attempts: 1",
        ] {
            let (level, text) = (Level::Information, text.to_owned());
            world.0.event(&Event::LogLine { level, text }, NOW);
        }
        (1..=3).for_each(|sequence| world.0.event(&completed(sequence), NOW));
        if !queue_first {
            complete(&mut world);
        }
        let told = [1, 2, 3].map(|sequence| {
            let whole = world.whole(sequence);
            let ended = whole["deliveries"][0]["ended"].clone();
            (whole["stage"].clone(), whole["uploads"].clone(), ended)
        });
        let expected = [
            (
                json!("superseded"),
                json!([]),
                json!("S.json superseded by a newer order of its batch, upload attempts: 0"),
            ),
            (
                json!("stored"),
                json!(["201"]),
                json!("S.json stored, upload attempts: 1"),
            ),
            (json!("handedOver"), json!([]), json!("completed (200)")),
        ];
        assert_eq!(told, expected);
        let totals = &world.0.totals;
        assert_eq!((totals.stored, totals.superseded), (1, 1));
    }
}

/// What another program writes is not of a message because it begins like that.
#[test]
fn a_line_that_only_begins_with_a_number_says_nothing_of_a_message() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    for text in [
        "#1 is the best",
        "#1 x, upload attempts: 1",
        "# S.json stored",
    ] {
        let (level, text) = (Level::Information, text.to_owned());
        world.0.event(&Event::LogLine { level, text }, NOW);
    }
    assert_eq!(world.whole(1)["stage"], "delivering");
    assert_eq!(world.whole(1)["log"], json!([]));
}
