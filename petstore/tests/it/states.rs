//! What the shopper is told in each state of the store and the bus.

use blob::{Conditions, Upload};
use testkit::{until, until_async};

use crate::support::bus::Bus;
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;
use crate::support::store::Store;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_the_shelf_shows_and_a_click_changes_nothing() {
    let bus = Bus::open().await;
    let mut store = Store::open();
    let shop = Shop::over(&store, &bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 3).await;
    until_async("published", async || shopper.pending().await == 0).await;
    let shut = store.shut().await;
    let shelf = shopper.look("/products").await;
    assert_eq!(shelf.status, 200);
    assert!(shelf.text.contains("out of reach") && shelf.text.contains("Plush Lamb"));
    assert_eq!(
        shelf.session(),
        None,
        "the next click's session is not known"
    );
    for answer in [
        shopper.step("add", 3).await,
        shopper.look("/cart").await,
        shopper.look("/order").await,
    ] {
        assert_eq!((answer.status, answer.set_cookie), (503, None));
        assert_eq!(answer.retry_after.as_deref(), Some("10"));
        assert!(
            answer.text.contains("nothing was changed"),
            "{}",
            answer.text
        );
    }
    // Who comes for the first time has no cart that could be out of reach.
    Shopper::enter(&shop.url).await;
    store.reopen(shut).await;
    let cart = shopper.look("/cart").await;
    assert!(cart.text.contains("1 piece") && cart.text.contains("Reserved for you"));
    shopper.does("plus", 3).await;
    until_async("published", async || shopper.pending().await == 0).await;
    assert_eq!(bus.messages().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_left_as_it_is() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let store = shop.store();
    for (damage, why) in [
        (&b"{}"[..], "version"),
        (b"", "version"),
        (b"{\"version\":2,\"record\":{}}", "another PetStore"),
        (b"{\"version\":1,\"record\":{}}", "not a record"),
        (&[b' '; 70_000], "at most"),
    ] {
        let mut shopper = Shopper::enter(&shop.url).await;
        let before = store.names(false);
        shopper.does("add", 3).await;
        let names = store.names(false);
        let name = names.iter().find(|name| !before.contains(name)).unwrap();
        until_async("published", async || shopper.pending().await == 0).await;
        let upload = Upload {
            bytes: damage.to_vec().into(),
            ..Upload::default()
        };
        let storage = store.endpoint().storage();
        storage
            .put("carts", name, upload, &Conditions::default())
            .unwrap();
        for answer in [shopper.step("add", 4).await, shopper.look("/cart").await] {
            assert_eq!((answer.status, answer.set_cookie), (500, None), "{why}");
            assert!(answer.text.contains("cannot be read"), "{}", answer.text);
        }
        assert_eq!(shopper.look("/").await.status, 200);
        let kept = store.endpoint().blob("carts", name).unwrap();
        assert_eq!(&kept.bytes[..], damage);
        until("told", || shop.log().contains(why)).await;
    }
}

#[tokio::test]
async fn reserved_is_said_when_the_bus_has_the_order_and_not_before() {
    let mut bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    let empty = shopper.look("/cart").await.text;
    assert!(
        !empty.contains("Reserved") && !empty.contains("pending"),
        "{empty}"
    );
    bus.shut().await;
    shopper.does("add", 3).await;
    let pending = shopper.look("/cart").await.text;
    assert!(pending.contains("Reservation pending") && !pending.contains("Reserved for you"));
    assert!(pending.contains("Continue shopping"));
    shopper.complete("").await;
    let placed = shopper.look("/order").await.text;
    assert!(placed.contains("Reservation pending") && !placed.contains("Reserved for you"));
    bus.reopen().await;
    until_async("published", async || shopper.pending().await == 0).await;
    assert!(
        shopper
            .look("/order")
            .await
            .text
            .contains("Reserved for you")
    );
}

#[tokio::test]
async fn the_footers_session_is_the_one_that_the_next_click_goes_to() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    let mut shown = Vec::new();
    for _ in 0..3 {
        let footer = shopper.look("/products").await;
        let session = footer.session().unwrap().to_owned();
        shopper.does("add", 3).await;
        until_async("published", async || shopper.pending().await == 0).await;
        assert_eq!(bus.orders().last().unwrap()["id"], session);
        shown.push(session);
        shopper.complete("").await;
        until_async("published", async || shopper.pending().await == 0).await;
        assert_eq!(bus.orders().last().unwrap()["id"], shown[shown.len() - 1]);
    }
    shown.dedup();
    assert_eq!(shown.len(), 3, "a placed order's session is its own");
}

#[tokio::test]
async fn what_the_bus_refuses_is_kept_and_told() {
    let bus = Bus::open().await;
    let settings = [("ORDERS_QUEUE_NAME", "other")];
    let shop = Shop::with(&bus.connection_string(), &settings);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 1).await;
    until_async("refused", async || {
        let health = shopper.health().await;
        let refused = &health["outbox"]["refused"];
        refused
            .as_str()
            .is_some_and(|why| why.contains("no such queue"))
    })
    .await;
    let cart = shopper.look("/cart").await.text;
    assert!(cart.contains("has to be put right first"), "{cart}");
    assert_eq!(shopper.pending().await, 1);
}
