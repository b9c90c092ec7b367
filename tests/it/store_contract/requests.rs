//! What it costs: the requests on the wire, counted by the embedded endpoint.

use blob::BlobEndpoint;
use order_items_reserver::order::Order;
use order_items_reserver::retry::Attempted;
use order_items_reserver::store::blob::BlobStore;
use order_items_reserver::store::{OrderStore as _, Put, StoreError};
use stand_in::{Fault, StatusCode};
use testkit::net::listener;
use testkit::scripted::{Gate, Scripted, Step};
use tokio::task::JoinSet;

use super::{RETRY, blobs};
use crate::support::{Message, rig};

/// Method and status of every request so far.
fn wire(endpoint: &BlobEndpoint) -> Vec<(String, u16)> {
    let requests = endpoint.requests();
    let words = requests.iter().map(|request| {
        (
            request.method.to_string(),
            request.status.map_or(0, |status| status.as_u16()),
        )
    });
    words.collect()
}

fn expected(words: &[(&str, u16)]) -> Vec<(String, u16)> {
    words
        .iter()
        .map(|(method, status)| ((*method).to_owned(), *status))
        .collect()
}

#[tokio::test]
async fn each_way_of_an_order_takes_its_own_few_requests() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let string = endpoint.connection_string();
    let store = BlobStore::new(blobs(&string, "orders"));
    let order = |number| Message::new("cart", number).order();
    let mut so_far = Vec::new();
    let mut took = |what: &str, words: &[(&str, u16)]| {
        so_far.extend(expected(words));
        assert_eq!(wire(&endpoint), so_far, "{what}");
    };
    store.put(&order(1)).await.unwrap();
    took(
        "the account's first order",
        &[("PUT", 404), ("PUT", 201), ("PUT", 201)],
    );
    store.put(&Message::new("other", 1).order()).await.unwrap();
    took("a session's first order", &[("PUT", 201)]);
    store.put(&order(2)).await.unwrap();
    took("a session that memory knows", &[("PUT", 201)]);
    store.put(&order(2)).await.unwrap();
    took("a redelivery", &[("PUT", 409), ("HEAD", 200)]);
    store.put(&order(1)).await.unwrap();
    took("a straggler", &[("PUT", 409), ("HEAD", 200)]);
    let restarted = BlobStore::new(blobs(&string, "orders"));
    restarted.put(&order(3)).await.unwrap();
    took(
        "after a restart",
        &[("PUT", 409), ("HEAD", 200), ("PUT", 201)],
    );
    store.put(&order(4)).await.unwrap();
    took(
        "memory out of date",
        &[("PUT", 412), ("HEAD", 200), ("PUT", 201)],
    );
    let unplaced = |session| Order {
        position: None,
        ..Message::new(session, 5).order()
    };
    let refused = store.put(&unplaced("cart")).await;
    assert!(matches!(refused, Err(StoreError::Contradictory(_))));
    took("an order without place, on one with", &[("HEAD", 200)]);
    store.put(&unplaced("bare")).await.unwrap();
    took("one without place", &[("HEAD", 404), ("PUT", 201)]);
    store.put(&unplaced("bare")).await.unwrap();
    took("on another without", &[("HEAD", 200), ("PUT", 201)]);
    let long_after = Message::new("bare", 400_000_000).order();
    store.put(&long_after).await.unwrap();
    took(
        "after one without place",
        &[("PUT", 409), ("HEAD", 200), ("PUT", 201)],
    );
}

#[tokio::test]
async fn a_dead_store_sees_exactly_four_puts() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    endpoint.storage().create_container("orders").unwrap();
    endpoint.faults().set(Fault::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        error_code: "ServerBusy",
        retry_after: None,
    });
    let store = BlobStore::new(blobs(&endpoint.connection_string(), "orders"));
    let order = Message::new("cart", 1).order();
    let exhausted = RETRY.run(|_| store.put(&order)).await.unwrap_err();
    assert_eq!(exhausted.attempts, 4);
    assert_eq!(wire(&endpoint), expected(&[("PUT", 503); 4]));
    assert!(endpoint.history("orders", "cart.json").is_empty());
}

/// The PUT took effect, but nobody said so: the next attempt reads its own number and is done.
#[tokio::test]
async fn a_lost_answer_is_found_out_by_the_next_attempt() {
    for fault in [
        Fault::ApplyThenDropConnection,
        Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let endpoint = BlobEndpoint::start(listener().await).unwrap();
        endpoint.storage().create_container("orders").unwrap();
        endpoint.faults().fail_next([fault]);
        let store = BlobStore::new(blobs(&endpoint.connection_string(), "orders"));
        let order = Message::new("cart", 1).order();
        let ended = RETRY.run(|_| store.put(&order)).await.unwrap();
        assert_eq!(
            ended,
            Attempted {
                value: Put::Stored,
                attempts: 2
            }
        );
        assert_eq!(
            endpoint.history("orders", "cart.json").len(),
            1,
            "{fault:?}"
        );
    }
}

/// A write that the client gave up on lands after a newer order was stored, or tries to.
#[tokio::test]
async fn a_late_write_never_lands_on_a_newer_order() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let address = endpoint.address();
    let [first, second, third] = [1, 2, 3].map(|number| Message::new("cart", number).order());
    for (name, before) in [("fresh", None), ("warm", Some(&first))] {
        let gate = Gate::new();
        let direct = vec![Step::ReadAll, Step::Forward(address), Step::Relay];
        let late = vec![
            Step::ReadAll,
            Step::Hold(gate.clone()),
            Step::Forward(address),
            Step::Relay,
        ];
        let proxy = Scripted::start([], direct).await;
        let slow = BlobStore::new(blobs(&rig::storage_at(proxy.address), name));
        if let Some(before) = before {
            slow.put(before).await.unwrap();
        } else {
            endpoint.storage().create_container(name).unwrap();
        }
        proxy.next(late);
        let mut zombie = JoinSet::new();
        let order = second.clone();
        zombie.spawn(async move { slow.put(&order).await });
        gate.reached().await;
        let other = BlobStore::new(blobs(&endpoint.connection_string(), name));
        assert_eq!(other.put(&third).await, Ok(Put::Stored));
        gate.open();
        assert_eq!(
            zombie.join_next().await.unwrap().unwrap(),
            Ok(Put::Superseded),
            "{name}"
        );
        let stored = endpoint.blob(name, "cart.json").unwrap();
        assert_eq!(stored.bytes, third.body, "{name}");
    }
}
