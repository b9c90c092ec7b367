//! What the write protocol needs: conditions, versions, and a container when there is none.

use std::sync::Arc;

use order_items_reserver::store::blob::{BlobService as _, Condition, ETag, PutReply};
use order_items_reserver::store::{OrderStore as _, Put};
use tokio::task::JoinSet;

use super::place::{Place, Server};
use super::{RETRY, written};
use crate::support::Message;

contract! {
    a_fresh_account_needs_no_manual_step
    ten_first_orders_at_once_share_one_missing_container
    a_missing_container_is_no_conflict_and_can_be_created_twice
    a_condition_that_does_not_hold_is_a_conflict_and_changes_nothing
    a_condition_that_holds_writes_and_names_the_version
    an_older_order_is_superseded_and_the_same_one_is_stored
    racing_writers_leave_the_highest_number
    memory_that_is_out_of_date_costs_no_order
}

async fn a_fresh_account_needs_no_manual_step(place: &Place) {
    let blobs = place.blobs();
    assert_eq!(blobs.container_exists().await, Ok(false));
    let message = Message::new("first", 1);
    assert_eq!(place.store().put(&message.order()).await, Ok(Put::Stored));
    assert_eq!(blobs.container_exists().await, Ok(true));
    let stored = place.read("first.json").await.unwrap();
    assert_eq!(stored.bytes, message.body);
}

async fn ten_first_orders_at_once_share_one_missing_container(place: &Place) {
    let (shared, mut all) = (Arc::new(place.store()), JoinSet::new());
    for number in 0..10 {
        // Half of them in one process, half in one each.
        let store = match number % 2 {
            0 => Arc::clone(&shared),
            _ => Arc::new(place.store()),
        };
        let order = Message::new(&format!("session-{number}"), number).order();
        all.spawn(async move { store.put(&order).await });
    }
    assert_eq!(all.join_all().await, vec![Ok(Put::Stored); 10]);
    for number in 0..10 {
        let session = format!("session-{number}");
        let stored = place.read(&format!("{session}.json")).await.unwrap();
        assert_eq!(stored.bytes, Message::new(&session, number).body);
    }
}

async fn a_missing_container_is_no_conflict_and_can_be_created_twice(place: &Place) {
    let blobs = place.blobs();
    let order = Message::new("cart", 1).order();
    for condition in [
        Condition::Absent,
        Condition::Version(ETag("\"0x1\"".to_owned())),
    ] {
        let reply = blobs.put_blob(&order, &condition).await;
        assert_eq!(reply, Ok(PutReply::NoContainer), "{condition:?}");
    }
    assert_eq!(blobs.head_blob(&order.session).await, Ok(None));
    assert_eq!(blobs.create_container().await, Ok(()));
    assert_eq!(blobs.create_container().await, Ok(()));
    written(blobs.put_blob(&order, &Condition::Absent).await.unwrap());
}

async fn a_condition_that_does_not_hold_is_a_conflict_and_changes_nothing(place: &Place) {
    let blobs = place.ready().await;
    let [first, second, third] = [1, 2, 3].map(|number| Message::new("cart", number).order());
    let stale = written(blobs.put_blob(&first, &Condition::Absent).await.unwrap());
    let reply = blobs.put_blob(&third, &Condition::Absent).await;
    assert_eq!(reply, Ok(PutReply::Conflict), "If-None-Match: * on a blob");
    let aimed = Condition::Version(stale.clone());
    written(blobs.put_blob(&second, &aimed).await.unwrap());
    let reply = blobs.put_blob(&third, &aimed).await;
    assert_eq!(
        reply,
        Ok(PutReply::Conflict),
        "If-Match with a stale version"
    );
    let elsewhere = Message::new("no-cart", 3).order();
    let reply = blobs.put_blob(&elsewhere, &aimed).await;
    assert_eq!(reply, Ok(PutReply::Conflict), "If-Match without a blob");
    assert_eq!(place.read("cart.json").await.unwrap().bytes, second.body);
    assert!(place.read("no-cart.json").await.is_none());
}

async fn a_condition_that_holds_writes_and_names_the_version(place: &Place) {
    let blobs = place.ready().await;
    let order = |number| Message::new("cart", number).order();
    let mut condition = Condition::Absent;
    let mut versions = Vec::new();
    for number in 1..=3 {
        let etag = written(blobs.put_blob(&order(number), &condition).await.unwrap());
        let head = blobs
            .head_blob(&order(number).session)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            head.etag, etag,
            "the same name for a version in PUT and HEAD"
        );
        assert_eq!(head.etag.0, place.read("cart.json").await.unwrap().etag);
        assert_eq!(head.stored.position(), order(number).position);
        assert!(!versions.contains(&etag), "each write is a new version");
        condition = Condition::Version(etag.clone());
        versions.push(etag);
    }
}

async fn an_older_order_is_superseded_and_the_same_one_is_stored(place: &Place) {
    let orders = [7, 8, 9].map(|number| Message::new("cart", number).order());
    let [older, newer, newest] = &orders;
    assert_eq!(place.store().put(newer).await, Ok(Put::Stored));
    for store in [place.store(), place.store()] {
        assert_eq!(store.put(older).await, Ok(Put::Superseded));
        assert_eq!(store.put(newer).await, Ok(Put::Stored), "delivered again");
        assert_eq!(store.put(older).await, Ok(Put::Superseded), "with memory");
    }
    assert_eq!(place.read("cart.json").await.unwrap().bytes, newer.body);
    assert_eq!(place.store().put(newest).await, Ok(Put::Stored));
    assert_eq!(place.read("cart.json").await.unwrap().bytes, newest.body);
}

async fn racing_writers_leave_the_highest_number(place: &Place) {
    let mut writers = JoinSet::new();
    for writer in 0..5 {
        let store = place.store();
        writers.spawn(async move {
            for round in 0..10 {
                let order = Message::new("cart", 1 + round * 5 + writer).order();
                // Contention may exhaust the attempts; then an order goes to a person.
                let highest = order.position.unwrap().sequence.0 == 50;
                let ended = RETRY.run(|_| store.put(&order)).await;
                assert!(ended.is_ok() || !highest, "{ended:?}");
            }
        });
    }
    writers.join_all().await;
    let stored = place.read("cart.json").await.unwrap();
    assert_eq!(stored.metadata["sequence"], "50");
    assert_eq!(stored.bytes, Message::new("cart", 50).body);
    if let Server::Embedded(endpoint) = &place.server {
        let history = endpoint.history(&place.container, "cart.json");
        let numbers = history
            .iter()
            .map(|blob| blob.metadata["sequence"].parse::<u64>().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "went back: {numbers:?}");
        assert!(numbers.len() > 1, "a race: {numbers:?}");
    }
}

/// Another process wrote in between: what this one remembers aims at a version long gone.
async fn memory_that_is_out_of_date_costs_no_order(place: &Place) {
    let (one, other) = (place.store(), place.store());
    let order = |number| Message::new("cart", number).order();
    assert_eq!(one.put(&order(1)).await, Ok(Put::Stored));
    assert_eq!(other.put(&order(3)).await, Ok(Put::Stored));
    assert_eq!(one.put(&order(2)).await, Ok(Put::Superseded));
    assert_eq!(other.put(&order(5)).await, Ok(Put::Stored));
    assert_eq!(one.put(&order(6)).await, Ok(Put::Stored));
    assert_eq!(other.put(&order(4)).await, Ok(Put::Superseded));
    assert_eq!(place.read("cart.json").await.unwrap().bytes, order(6).body);
}
