//! What an instance makes of the marks that it finds: what nobody sends for, what another sends
//! for, what cannot be read, and a mark too many.

use std::sync::Arc;
use std::time::Duration;

use petstore::cart::Step;
use petstore::carts::Carts;
use petstore::cookie::ShopperKey;
use petstore::outbox::Outbox;
use petstore::record::Operation;
use petstore::store::{CartStore as _, Expected, RecordName};
use tokio::time::sleep;

use crate::support::memory::{ATTEMPT, Broker, Door, Fate, Instance, Memory, Watch, Way};

const ADD: Operation = Operation::Step {
    step: Step::Add,
    product: 1,
};

fn name() -> RecordName {
    ShopperKey::fresh(0).name()
}

fn outbox(store: &Memory, way: Way) -> Outbox<Memory, Watch, Way> {
    let carts = Carts::new(store.clone(), Watch::off_by(0), ATTEMPT);
    Outbox::start(Arc::new(carts), way, 10_000)
}

/// It may be a click's, whose write is on its way: so it is let be for a while.
#[tokio::test(start_paused = true)]
async fn a_mark_too_many_goes_after_a_while_and_one_made_anew_is_let_be_again() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let name = name();
    store.mark(&name).await.unwrap();
    let outbox = outbox(&store, broker.way(Door::Open));
    sleep(Duration::from_millis(4_900)).await;
    assert_eq!((store.marked(), outbox.status().pending), (1, 0));
    store.mark(&name).await.unwrap();
    sleep(Duration::from_secs(4)).await;
    assert_eq!(store.marked(), 1, "another one");
    sleep(Duration::from_secs(7)).await;
    assert_eq!((store.marked(), broker.requests()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn all_that_a_dead_instance_left_is_sent_however_much_it_is() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let dead = Instance::start(&store, broker.way(Door::Shut), Watch::off_by(0));
    for _ in 0..600 {
        dead.click(&name(), &ADD).await.unwrap();
    }
    assert_eq!(dead.pending(), 600);
    drop(dead);
    let outbox = outbox(&store, broker.way(Door::Open));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(broker.orders().len(), 0, "its claims last for a while");
    assert_eq!(outbox.status().pending, 600, "and are known");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(broker.orders().len(), 600);
    assert_eq!((outbox.status().pending, store.marked()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_counted_and_holds_up_nobody() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let (damaged, good) = (name(), name());
    let bytes = b"{}".to_vec();
    store
        .write(&damaged, bytes, &Expected::Absent)
        .await
        .unwrap();
    store.mark(&damaged).await.unwrap();
    let dead = Instance::start(&store, broker.way(Door::Shut), Watch::off_by(0));
    dead.click(&good, &ADD).await.unwrap();
    drop(dead);
    let outbox = outbox(&store, broker.way(Door::Open));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(broker.orders().len(), 1);
    let status = outbox.status();
    assert_eq!((status.pending, status.unreadable), (0, 1));
    assert_eq!(store.marked(), 1, "it is left as it is");
    // Somebody has mended it.
    let read = store.read(&damaged).await.unwrap().unwrap();
    let bytes = store.read(&good).await.unwrap().unwrap().bytes;
    let expected = Expected::Version(read.version);
    store.write(&damaged, bytes, &expected).await.unwrap();
    sleep(Duration::from_secs(90)).await;
    assert_eq!((outbox.status().unreadable, store.marked()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn marks_that_cannot_be_listed_are_told_until_they_can_be() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    store.set_down(true);
    let outbox = outbox(&store, broker.way(Door::Open));
    let problem = outbox.status().store_problem;
    assert!(problem.is_some_and(|why| why.contains("not listed yet")));
    sleep(Duration::from_secs(1)).await;
    let problem = outbox.status().store_problem;
    assert!(problem.is_some_and(|why| why.contains("it broke")));
    store.set_down(false);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(outbox.status().store_problem, None);
}

/// The one waits for a minute, the other for a moment.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_holds_up_no_record_whose_claim_failed() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let dead = Instance::start(&store, broker.way(Door::Shut), Watch::off_by(0));
    dead.click(&name(), &ADD).await.unwrap();
    drop(dead);
    let live = Instance::start(&store, broker.way(Door::Refuses), Watch::off_by(0));
    live.click(&name(), &ADD).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    live.way.set(Door::Open);
    store.next(&[Fate::Failed; 3]);
    sleep(Duration::from_secs(20)).await;
    // The first one that is taken ends the wait of the other.
    assert_eq!((broker.orders().len(), live.pending()), (2, 0));
}
