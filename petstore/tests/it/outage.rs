//! The bus is down, the shop is killed: nothing that was accepted is lost, and nothing older
//! follows.

use testkit::{until, until_async};

use crate::support::bus::{Bus, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;
use crate::support::store::Store;

#[tokio::test]
async fn after_an_outage_and_kill_9_the_newest_cart_arrives_and_none_older_after_it() {
    let mut bus = Bus::open().await;
    let store = Store::open();
    let settings = [("PUBLISH_TIMEOUT_MS", "300")];
    let shop = Shop::over_with(&store, &bus.connection_string(), &settings);
    let (mut one, mut two) = (
        Shopper::enter(&shop.url).await,
        Shopper::enter(&shop.url).await,
    );
    one.does("add", 8).await;
    until("published", || bus.messages().len() == 1).await;
    bus.shut().await;
    one.does("plus", 8).await;
    one.does("plus", 8).await;
    one.does("add", 11).await;
    two.does("add", 5).await;
    assert!(one.look("/cart").await.text.contains("Reservation pending"));
    assert_eq!(one.pending().await, 2, "one a session");
    shop.kill();
    bus.reopen().await;
    let shop = Shop::over_with(&store, &bus.connection_string(), &settings);
    one.shop.clone_from(&shop.url);
    until("delivered", || bus.messages().len() == 4).await;
    until_async("nothing waits", async || one.pending().await == 0).await;
    let orders = bus.orders();
    let of = |id: &str| -> Vec<_> {
        orders
            .iter()
            .filter(|order| order["id"] == id)
            .map(lines)
            .collect()
    };
    let mut first = of(orders[0]["id"].as_str().unwrap());
    assert_eq!(
        first.pop(),
        Some(vec![(8, 3), (11, 1)]),
        "the newest, and none older after it"
    );
    assert_eq!(
        first,
        [[(8, 1)], [(8, 2)]],
        "and the one whose fate was open when the shop was killed"
    );
    assert_eq!(orders.len(), 4, "and the other session's");
    let page = one.look("/cart").await.text;
    assert!(
        page.contains("Scratcher") && page.contains("Reserved for you"),
        "the cart is there"
    );
}

#[tokio::test]
async fn after_an_outage_alone_everything_arrives() {
    let mut bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    bus.shut().await;
    let mut shoppers = Vec::new();
    for id in 1..=11 {
        let mut shopper = Shopper::enter(&shop.url).await;
        shopper.does("add", id).await;
        shopper.does("plus", id).await;
        shoppers.push(shopper);
    }
    let health = shoppers[0].health().await;
    assert_eq!(health["outbox"]["pending"], 11);
    assert!(health["outbox"]["oldestAgeSeconds"].is_u64(), "{health}");
    bus.reopen().await;
    until_async("delivered", async || shoppers[0].pending().await == 0).await;
    let orders = bus.orders();
    assert_eq!(orders.len(), 22, "the one in flight, and the newest");
    let mut newest = std::collections::HashMap::new();
    for order in &orders {
        let (id, quantity) = lines(order)[0];
        assert!(
            newest
                .insert(id, quantity)
                .is_none_or(|before| before < quantity)
        );
    }
    assert!(newest.values().all(|quantity| *quantity == 2));
}

#[tokio::test]
async fn a_full_outbox_says_so_and_leaves_the_cart_alone() {
    let mut bus = Bus::open().await;
    let settings = [("PETSTORE_OUTBOX_MAX", "1")];
    let shop = Shop::with(&bus.connection_string(), &settings);
    bus.shut().await;
    let (mut one, mut two) = (
        Shopper::enter(&shop.url).await,
        Shopper::enter(&shop.url).await,
    );
    one.does("add", 1).await;
    one.does("plus", 1).await;
    let answer = two.step("add", 2).await;
    assert_eq!((answer.status, answer.set_cookie), (503, None));
    assert!(answer.text.contains("We need a moment"), "{}", answer.text);
    assert!(two.look("/cart").await.text.contains("Your cart is empty"));
}

/// Each sees what the other wrote, and one of them sends.
#[tokio::test]
async fn two_instances_serve_one_shopper() {
    let mut bus = Bus::open().await;
    let store = Store::open();
    let timeout = [("PUBLISH_TIMEOUT_MS", "300")];
    let a = Shop::over_with(&store, &bus.connection_string(), &timeout);
    let mut down = Bus::open().await;
    down.shut().await;
    let b = Shop::over_with(&store, &down.connection_string(), &timeout);
    let mut shopper = Shopper::enter(&b.url).await;
    shopper.does("add", 3).await;
    shopper.shop.clone_from(&a.url);
    shopper.does("plus", 3).await;
    shopper.shop.clone_from(&b.url);
    assert!(shopper.look("/cart").await.text.contains("Plush Lamb"));
    // The one that cannot send lets go of it, and the other one's sweep finds it.
    until("both, by the other", || bus.messages().len() == 2).await;
    until_async("known here, too", async || shopper.pending().await == 0).await;
    assert_eq!(
        bus.orders().iter().map(lines).collect::<Vec<_>>(),
        [[(3, 1)], [(3, 2)]]
    );
    // What dead instances leave is taken over by whoever starts next.
    bus.shut().await;
    shopper.does("plus", 3).await;
    a.kill();
    b.kill();
    bus.reopen().await;
    let next = Shop::over_with(&store, &bus.connection_string(), &timeout);
    shopper.shop.clone_from(&next.url);
    until("taken over", || bus.messages().len() == 3).await;
    until_async("nothing waits", async || shopper.pending().await == 0).await;
    until("and no mark is left", || store.names(true).is_empty()).await;
}
