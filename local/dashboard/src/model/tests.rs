//! The model, told what the parts would tell.

use std::sync::Arc;

use ::host::{Delivered, DeliveryOutcome, Event, InvocationFailure};
use bus::{Accepted, DeadLetterReason, Message as Sent};
use logic_app::Received;
use logic_app::mail::Mail;
use serde_json::{Value, json};
use stand_in::{Method, Moment, Seen, StatusCode};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;

mod batches;
mod click;
mod found;

const NOW: OffsetDateTime = datetime!(2026-05-04 09:30 UTC);
const PATH: &str = "/devstoreaccount1/orders/S.json";

/// A model, and the parts' words to it.
#[derive(Default)]
struct World(Model);

impl World {
    fn accepted(&mut self, sequence: u64) {
        let cart = r#"{"id":"S","products":[{"id":8,"name":"Scratcher","quantity":2}]}"#;
        let accepted = Accepted {
            sequence,
            enqueued: NOW,
            expires: NOW,
            message: Sent::new(cart)
                .with_session("S")
                .with_id(format!("m{sequence}")),
        };
        self.queue(&Transition::Accepted(Arc::new(accepted)));
    }

    fn queue(&mut self, transition: &Transition) {
        self.0.transition(transition, NOW);
    }

    fn locked(&mut self, sequence: u64, delivery_count: u32) {
        self.queue(&Transition::Locked {
            sequence,
            delivery_count,
            lock_token: Uuid::nil(),
        });
    }

    fn wire(&mut self, number: u64, of: Option<u64>, method: Method, moment: Moment) {
        self.wire_to(PATH, number, of, method, moment);
    }

    fn wire_to(
        &mut self,
        path: &str,
        number: u64,
        of: Option<u64>,
        method: Method,
        moment: Moment,
    ) {
        let metadata = of.map(|of| ("sequence".to_owned(), of.to_string()));
        self.0.seen(&Seen {
            number,
            at: NOW,
            method,
            path: path.to_owned(),
            metadata: metadata.into_iter().collect(),
            moment,
        });
    }

    fn log(&mut self, line: &Value) {
        let event = Event::LogLine {
            level: Level::Information,
            text: line.to_string(),
        };
        self.0.event(&event, NOW);
    }

    fn outcome(&mut self, sequence: u64, delivery_count: u32, outcome: &str) {
        self.log(&json!({ "sequence_number": sequence, "delivery_count": delivery_count, "outcome": outcome, "message": outcome }));
    }

    fn whole(&self, sequence: u64) -> Value {
        json!(self.0.message(sequence).unwrap().whole())
    }
}

fn handed_over(operation: Uuid, sequence: u64) -> Received {
    let body = json!({ "operationId": operation.to_string(), "failure": { "sequenceNumber": sequence, "blobName": "S.json", "reason": "503 ServerBusy" } });
    Received {
        at: NOW,
        workflow: "w".to_owned(),
        operation_id: operation.to_string(),
        headers: std::collections::BTreeMap::new(),
        body: body.to_string().into(),
    }
}

fn mail(number: u64, operation_id: Uuid) -> Mail {
    let email = json!({ "senderAddress": "a@b", "recipients": { "to": [] }, "content": { "subject": "s" } });
    Mail {
        number,
        at: NOW,
        operation_id,
        email: serde_json::from_value(email).unwrap(),
        eml: Vec::new(),
    }
}

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

/// The function writes no line of what it simply stored, unless it is asked to; its answer says so.
#[test]
fn a_cart_whose_answer_says_stored_counts_once() {
    let outcome = DeliveryOutcome::Completed {
        status: 200,
        logs: vec!["S.json stored, upload attempts: 1".to_owned()],
    };
    let answered = Event::Delivered(Delivered {
        sequence: 1,
        message_id: None,
        session: Some("S".to_owned()),
        delivery_count: 1,
        outcome,
        took: std::time::Duration::from_millis(4),
    });
    for (line_before, line_after) in [(false, false), (true, false), (false, true)] {
        let mut world = World::default();
        world.accepted(1);
        world.locked(1, 1);
        world.queue(&Transition::Completed { sequence: 1 });
        if line_before {
            world.outcome(1, 1, "stored");
        }
        world.0.event(&answered, NOW);
        if line_after {
            world.outcome(1, 1, "stored");
        }
        assert_eq!(world.whole(1)["stage"], "stored");
        assert_eq!(world.0.totals.stored, 1);
    }
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

#[test]
fn a_swallowed_message_is_told_with_the_one_that_has_its_id() {
    let mut world = World::default();
    for (of, same_body) in [(Some(7), Some(false)), (Some(7), Some(true)), (None, None)] {
        let duplicate = Transition::Duplicate {
            message_id: "id-1".to_owned(),
            session_id: Some("S".to_owned()),
            of,
            same_body,
        };
        world.0.transition(&duplicate, NOW);
    }
    let told = format!("{:?}", world.0.activity);
    assert_eq!(world.0.totals.duplicates, 3);
    for words in [
        "swallowed as a duplicate of #7: it has the same message id id-1 and ANOTHER BODY",
        "duplicate of #7: it has the same message id id-1 and the same body",
        "duplicate of an earlier one",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// The whole of an upload, answered so.
fn answered(world: &mut World, number: u64, status: StatusCode) {
    world.wire(number, Some(1), Method::PUT, Moment::Arrived);
    world.wire(number, Some(1), Method::PUT, Moment::Answered(status));
}

fn created(world: &mut World, number: u64, status: StatusCode) {
    let container = "/devstoreaccount1/orders";
    world.wire_to(container, number, None, Method::PUT, Moment::Arrived);
    let answered = Moment::Answered(status);
    world.wire_to(container, number, None, Method::PUT, answered);
}

#[test]
fn the_first_order_makes_the_container_and_nothing_failed() {
    for made in [StatusCode::CREATED, StatusCode::CONFLICT] {
        let mut world = World::default();
        world.accepted(1);
        world.locked(1, 1);
        answered(&mut world, 1, StatusCode::NOT_FOUND);
        created(&mut world, 2, made);
        answered(&mut world, 3, StatusCode::CREATED);
        assert_eq!(world.whole(1)["uploads"], json!(["201"]));
        assert_eq!(
            world.whole(1)["requests"].as_array().unwrap().len(),
            3,
            "the wire keeps all"
        );
        let totals = world.0.totals;
        assert_eq!((totals.uploads, totals.uploads_failed), (1, 0));
    }
}

#[test]
fn a_container_that_cannot_be_made_is_a_failure_and_so_is_one_that_goes_again() {
    let mut world = World::default();
    world.accepted(1);
    world.locked(1, 1);
    answered(&mut world, 1, StatusCode::NOT_FOUND);
    created(&mut world, 2, StatusCode::FORBIDDEN);
    assert_eq!(world.0.totals.uploads_failed, 1);
    answered(&mut world, 3, StatusCode::NOT_FOUND);
    assert_eq!(world.0.totals.uploads_failed, 2);
}
