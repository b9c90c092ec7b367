//! The record: which states follow which, and what of it can be read back.

use petstore::cart::{Cart, QUANTITY_MAX, Step, StepRefused};
use petstore::catalogue::PRODUCTS;
use petstore::record::{
    Claim, Claimed, ClickRefused, Done, OWED_MAX, Operation, RECORD_MAX, Record, RecordError, Stamp,
};
use petstore::session::SessionId;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000_000;

fn claim(instance: &str, until: i64) -> Claim {
    Claim {
        instance: instance.to_owned(),
        until,
    }
}

/// The click of this number, made by instance `a`.
fn stamp(number: u64, now: i64) -> Stamp {
    Stamp {
        click: format!("{number:032x}"),
        message: format!("{number:08x}-0000-7000-8000-000000000000"),
        traceparent: format!("00-{number:032x}-{number:016x}-01"),
        next_session: SessionId::of_bytes(u128::from(number).to_be_bytes()),
        now,
        claim: claim("a", now + 10_000),
    }
}

fn add(product: u32) -> Operation {
    let step = Step::Add;
    Operation::Step { step, product }
}

fn place(record: &Record) -> Operation {
    Operation::Place {
        session: record.session.clone(),
        revision: record.revision,
        email: None,
    }
}

fn fresh() -> Record {
    Record::first(SessionId::fresh())
}

fn messages(record: &Record) -> Vec<&str> {
    let owed = record.owed().iter();
    owed.map(|owed| &owed.message[..8]).collect()
}

#[test]
fn what_is_in_flight_stays_and_the_newest_waits_behind_it() {
    let mut record = fresh();
    for number in 1..=4 {
        assert_eq!(
            record.click(&add(1), &stamp(number, NOW)),
            Ok(Done::Changed)
        );
        let sent = record.in_flight().unwrap();
        assert_eq!(&sent.message[..8], "00000001");
        assert!(sent.order.contains("\"quantity\":1"), "{}", sent.order);
    }
    assert_eq!(messages(&record), ["00000001", "00000004"]);
    let (first, second) = (record.owed()[0].clone(), record.owed()[1].clone());
    assert!(
        !record.settle(&second.message, &claim("a", NOW), NOW),
        "not in flight"
    );
    assert!(record.settle(&first.message, &claim("a", NOW + 20_000), NOW));
    assert!(
        !record.settle(&first.message, &claim("a", NOW), NOW),
        "once"
    );
    assert_eq!(record.in_flight(), Some(&second));
    assert_eq!(record.owner(), Some(&claim("a", NOW + 20_000)));
    assert!(record.settle(&second.message, &claim("a", NOW), NOW));
    assert_eq!((record.owed().len(), record.owner()), (0, None));
}

#[test]
fn nothing_reaches_a_placed_order() {
    let mut record = fresh();
    record.click(&add(1), &stamp(1, NOW)).unwrap();
    record.click(&add(2), &stamp(2, NOW)).unwrap();
    let (placed, form) = (record.session.clone(), place(&record));
    assert_eq!(record.click(&form, &stamp(3, NOW)), Ok(Done::Changed));
    let order = record.owed()[1].clone();
    assert!(order.order.contains("\"complete\":true"), "{}", order.order);
    assert_eq!(order.session, placed);
    assert_ne!(record.session, placed);
    // Pressed again, and clicks of the pages from before.
    assert_eq!(record.click(&form, &stamp(4, NOW)), Ok(Done::PlacedBefore));
    record.click(&add(3), &stamp(5, NOW)).unwrap();
    record.click(&add(3), &stamp(6, NOW)).unwrap();
    let minus = Operation::Step {
        step: Step::Minus,
        product: 1,
    };
    let absent = Err(ClickRefused::Step(StepRefused::Absent));
    assert_eq!(record.click(&minus, &stamp(7, NOW)), absent);
    assert_eq!(record.owed()[1], order);
    assert_eq!(messages(&record), ["00000001", "00000003", "00000006"]);
    assert_eq!(record.placed.as_ref().unwrap().cart.pieces(), 2);
    // When another order was placed since, the old form places nothing.
    record
        .click(&place(&record.clone()), &stamp(8, NOW))
        .unwrap();
    let before = record.clone();
    let refused = record.click(&form, &stamp(9, NOW));
    assert_eq!(refused, Err(ClickRefused::EarlierOrder));
    assert_eq!(record, before);
}

#[test]
fn an_order_is_placed_as_the_page_showed_it() {
    let mut record = fresh();
    let empty = Err(ClickRefused::Step(StepRefused::Empty));
    assert_eq!(record.click(&place(&record.clone()), &stamp(1, NOW)), empty);
    record.click(&add(1), &stamp(2, NOW)).unwrap();
    let form = place(&record);
    record.click(&add(1), &stamp(3, NOW)).unwrap();
    let before = record.clone();
    assert_eq!(
        record.click(&form, &stamp(4, NOW)),
        Err(ClickRefused::CartChanged)
    );
    assert_eq!(record, before);
}

#[test]
fn a_click_that_is_tried_again_is_done_once() {
    let mut record = fresh();
    record.click(&add(1), &stamp(1, NOW)).unwrap();
    for number in 2..20 {
        record
            .click(&add(number % 3 + 2), &stamp(number.into(), NOW))
            .ok();
    }
    let before = record.clone();
    let again = record.click(&add(1), &stamp(1, NOW));
    assert_eq!((again, &record), (Ok(Done::ByEarlierTry), &before));
    let form = place(&record);
    record.click(&form, &stamp(30, NOW)).unwrap();
    assert_eq!(record.click(&form, &stamp(30, NOW)), Ok(Done::ByEarlierTry));
    // It is so already: nothing to write, nothing to send.
    let set = Operation::Step {
        step: Step::Set(0),
        product: 1,
    };
    assert_eq!(record.click(&set, &stamp(31, NOW)), Ok(Done::Nothing));
}

#[test]
fn one_instance_sends_until_its_claim_ends_by_every_clock() {
    let mut record = fresh();
    assert_eq!(record.claim(&claim("b", NOW), NOW), Claimed::Clean);
    record.click(&add(1), &stamp(1, NOW)).unwrap();
    let until = NOW + 10_000;
    for now in [NOW, until, until + 1_999] {
        let others = record.claim(&claim("b", now + 10_000), now);
        assert_eq!(others, Claimed::Others(until), "{now}");
    }
    assert_eq!(
        record.claim(&claim("a", until), NOW),
        Claimed::Ours,
        "its own"
    );
    assert_eq!(
        record.claim(&claim("b", until), until + 2_000),
        Claimed::Ours
    );
    // A click in somebody's claim leaves it, and one after its end takes it.
    record.click(&add(1), &stamp(2, until)).unwrap();
    assert!(record.is_owner("b"));
    record.click(&add(1), &stamp(3, until + 5_000)).unwrap();
    assert!(record.is_owner("a"));
    // A claim of a clock that was wrong by years holds nobody up.
    let mut record = fresh();
    record
        .click(&add(1), &stamp(1, NOW + 100_000_000_000))
        .unwrap();
    assert_eq!(record.claim(&claim("b", NOW), NOW), Claimed::Ours);
}

#[test]
fn orders_pile_up_to_a_bound_and_the_fullest_record_fits() {
    let mut record = fresh();
    let mut number = 0;
    let mut next = || {
        number += 1;
        stamp(number, NOW)
    };
    let mut placed = 0;
    loop {
        for product in &PRODUCTS {
            let set = Operation::Step {
                step: Step::Set(QUANTITY_MAX),
                product: product.id,
            };
            record.click(&set, &next()).unwrap();
        }
        let mut form = place(&record);
        if let Operation::Place { email, .. } = &mut form {
            *email = Some("\"".repeat(255));
        }
        match record.click(&form, &next()) {
            Ok(_) => placed += 1,
            refused => {
                assert_eq!(refused, Err(ClickRefused::TooManyOrders));
                break;
            }
        }
    }
    assert!(placed >= OWED_MAX - 2 && record.owed().len() <= OWED_MAX + 1);
    let bytes = record.to_bytes().unwrap();
    assert!(bytes.len() < RECORD_MAX, "{}", bytes.len());
    assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
    assert_eq!(
        record.click(&add(1), &next()),
        Err(ClickRefused::Step(StepRefused::Most))
    );
}

fn stored() -> Value {
    let mut record = fresh();
    record.click(&add(1), &stamp(1, NOW)).unwrap();
    record
        .click(&place(&record.clone()), &stamp(2, NOW))
        .unwrap();
    record.click(&add(2), &stamp(3, NOW)).unwrap();
    serde_json::from_slice(&record.to_bytes().unwrap()).unwrap()
}

#[test]
fn what_is_not_a_record_of_ours_in_every_detail_is_not_read() {
    let read = |value: &Value| Record::from_bytes(value.to_string().as_bytes());
    assert!(read(&stored()).is_ok());
    let owed = stored()["record"]["owed"][0].clone();
    let changes: [(&str, Value, &str); 12] = [
        ("/version", json!(2), "another PetStore"),
        ("/version", json!("1"), "no JSON object with a version"),
        ("/record", json!({}), "not a record"),
        ("/record/more", json!(1), "not a record"),
        ("/record/session", json!("e7"), "not a record"),
        ("/record/cart", json!([[1, 11]]), "the cart's rules"),
        ("/record/cart", json!([[1, 1], [1, 2]]), "the cart's rules"),
        ("/record/placed/cart", json!([[1, 0]]), "the cart's rules"),
        ("/record/owed/0/message", json!("a\"b"), "hexadecimal"),
        (
            "/record/owed/0/traceparent",
            json!("00\r\nX: y"),
            "hexadecimal",
        ),
        ("/record/owed", json!([owed, owed]), "two messages"),
        (
            "/record/owed",
            vec![owed.clone(); OWED_MAX + 2].into(),
            "more orders",
        ),
    ];
    for (place, value, why) in changes {
        let mut damaged = stored();
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = damaged.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(list) => list[name.parse::<usize>().unwrap()] = value,
            None => parent[name] = value,
        }
        let error = read(&damaged).expect_err(place).to_string();
        assert!(error.contains(why), "{place}: {error}");
    }
    let large = vec![b' '; RECORD_MAX + 1];
    assert!(matches!(
        Record::from_bytes(&large),
        Err(RecordError::TooLarge(_))
    ));
}

fn operation() -> impl Strategy<Value = (u8, u32)> {
    (0..8_u8, 1..4_u32)
}

proptest! {
    /// Whatever is clicked, claimed and settled: messages leave in the order of their clicks, of a
    /// session each once and only newer ones; its placed order is its last; and the record can be
    /// read back.
    #[test]
    fn what_leaves_a_record_never_goes_back(operations in prop::collection::vec(operation(), 0..120)) {
        let mut record = fresh();
        let mut left: Vec<(String, String, bool)> = Vec::new();
        for (at, (what, product)) in operations.into_iter().enumerate() {
            let number = at as u64 + 1;
            let now = NOW + at as i64 * 3_000;
            let step = |step| Operation::Step { step, product };
            match what {
                0..=2 => drop(record.click(&step(Step::Add), &stamp(number, now))),
                3 => drop(record.click(&step(Step::Minus), &stamp(number, now))),
                4 => drop(record.click(&place(&record.clone()), &stamp(number, now))),
                5 => drop(record.claim(&claim("b", now + 4_000), now)),
                _ => if let Some(sent) = record.in_flight().cloned() {
                    // Another instance may have it: then it is that one's to settle.
                    if record.settle(&sent.message, &claim("b", now + 4_000), now) {
                        let complete = sent.order.contains("\"complete\":true");
                        left.push((sent.message, sent.session.to_string(), complete));
                    }
                },
            }
            prop_assert_eq!(Record::from_bytes(&record.to_bytes().unwrap()).unwrap(), record.clone());
            prop_assert!(record.owed().is_empty() == record.owner().is_none());
        }
        prop_assert!(left.is_sorted_by(|one, next| one.0 < next.0));
        for (at, (_, session, complete)) in left.iter().enumerate() {
            prop_assert!(!complete || left[at + 1..].iter().all(|later| later.1 != *session));
        }
    }
}

#[test]
fn an_empty_cart_is_a_cart() {
    assert!(Cart::default().is_valid());
}
