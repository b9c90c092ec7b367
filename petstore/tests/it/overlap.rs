//! A rolling restart in an outage: the next instance starts while the last one still runs, with
//! orders that the bus does not take.

use testkit::{until, until_async};

use crate::support::bus::{Bus, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;
use crate::support::store::Store;

async fn what_is_left_by_one_that(ends: impl FnOnce(Shop)) {
    let (bus, mut down) = (Bus::open().await, Bus::open().await);
    down.shut().await;
    let store = Store::open();
    let old = Shop::over(&store, &down.connection_string());
    let new = Shop::over(&store, &bus.connection_string());
    let mut shopper = Shopper::enter(&old.url).await;
    shopper.does("add", 3).await;
    assert_eq!(shopper.pending().await, 1);
    assert!(bus.messages().is_empty());
    tokio::task::block_in_place(|| ends(old));
    until("delivered by the other", || bus.messages().len() == 1).await;
    shopper.shop.clone_from(&new.url);
    until("told", || new.log().contains("is taken over")).await;
    shopper.does("plus", 3).await;
    until_async("nothing waits", async || shopper.pending().await == 0).await;
    let delivered: Vec<_> = bus.orders().iter().map(lines).collect();
    assert_eq!(delivered, [[(3, 1)], [(3, 2)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_instance_left_is_delivered_by_one_that_runs() {
    what_is_left_by_one_that(Shop::kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ended_instance_left_is_delivered_by_one_that_runs() {
    what_is_left_by_one_that(|old| {
        assert_eq!(old.terminate(), Some(0));
    })
    .await;
}
