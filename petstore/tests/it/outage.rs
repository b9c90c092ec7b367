//! The bus is down, the shop is killed: nothing that was accepted is lost, and nothing older
//! follows.

use testkit::fixture::Folder;
use testkit::{until, until_async};

use crate::support::bus::{Bus, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;

#[tokio::test]
async fn after_an_outage_and_kill_9_the_newest_cart_arrives_and_none_older_after_it() {
    let mut bus = Bus::open().await;
    let data = Folder::new();
    let shop = Shop::over(&data, &bus.connection_string());
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
    let shop = Shop::over(&data, &bus.connection_string());
    one.shop.clone_from(&shop.url);
    until_async("delivered", async || one.pending().await == 0).await;
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
    assert_eq!(first, [[(8, 1)]]);
    assert_eq!(orders.len(), 3, "and the other session's");
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
    assert_eq!(orders.len(), 11);
    assert!(orders.iter().all(|order| lines(order)[0].1 == 2));
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

/// The key is the same, so either goes on where the other stopped; a cart that the other one has
/// overtaken is not sent any more.
#[tokio::test]
async fn two_instances_serve_one_session() {
    let mut bus = Bus::open().await;
    let data = Folder::new();
    let a = Shop::over(&data, &bus.connection_string());
    let mut down = Bus::open().await;
    down.shut().await;
    let b = Shop::over(&data, &down.connection_string());
    let mut shopper = Shopper::enter(&b.url).await;
    shopper.does("add", 3).await;
    assert_eq!(shopper.pending().await, 1);
    shopper.shop.clone_from(&a.url);
    shopper.does("plus", 3).await;
    until("published by the other", || bus.messages().len() == 1).await;
    shopper.shop.clone_from(&b.url);
    assert!(shopper.look("/cart").await.text.contains("Plush Lamb"));
    until_async("given up", async || shopper.pending().await == 0).await;
    assert_eq!(lines(&bus.orders()[0]), [(3, 2)]);
    // What a dead instance leaves is taken over by whoever starts next.
    bus.shut().await;
    shopper.does("plus", 3).await;
    a.kill();
    b.kill();
    bus.reopen().await;
    let next = Shop::over(&data, &bus.connection_string());
    shopper.shop.clone_from(&next.url);
    until_async("taken over", async || shopper.pending().await == 0).await;
    assert_eq!(
        bus.orders().iter().map(lines).collect::<Vec<_>>(),
        [[(3, 2)], [(3, 3)]]
    );
}
