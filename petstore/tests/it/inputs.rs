//! Nine faults that a storefront had whose cart was in the cookie and whose outbox was a journal on
//! a shared folder: what was put in, and what has to come out.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use petstore::cart::Step;
use petstore::cookie::ShopperKey;
use petstore::record::Operation;
use stand_in::Fault;
use testkit::{until, until_async};

use crate::support::bus::{Bus, lines};
use crate::support::memory::{Broker, Door, Fate, Instance, Memory, Watch};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;
use crate::support::store::Store;

const ADD: Operation = Operation::Step {
    step: Step::Add,
    product: 1,
};

/// Sends a click and waits for no answer.
fn click(shopper: &Shopper, product: u32) -> TcpStream {
    let address = shopper.shop.strip_prefix("http://").unwrap();
    let form = format!("token={}&step=add&product={product}", shopper.token);
    let request = format!(
        "POST /cart HTTP/1.1\r\nHost: {address}\r\nCookie: {}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        shopper.cookie,
        form.len()
    );
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_whose_shopper_has_left_is_done_and_sent() {
    let mut bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    bus.shut().await;
    let mut shoppers = Vec::new();
    for _ in 0..30 {
        shoppers.push(Shopper::enter(&shop.url).await);
    }
    let store = shop.store().endpoint();
    store.faults().set(Fault::Delay(Duration::from_millis(500)));
    let connections: Vec<_> = shoppers.iter().map(|shopper| click(shopper, 3)).collect();
    until("each is under way", || {
        let writes = store
            .requests()
            .into_iter()
            .filter(|request| request.method == "PUT");
        writes.count() >= 30
    })
    .await;
    drop(connections);
    store.faults().set(Fault::None);
    for shopper in &mut shoppers {
        until_async("it is done", async || {
            shopper.look("/cart").await.text.contains("1 piece")
        })
        .await;
    }
    assert_eq!(shoppers[0].pending().await, 30);
    bus.reopen().await;
    until_async("sent", async || shoppers[0].pending().await == 0).await;
    assert_eq!(bus.messages().len(), 30);
    assert!(bus.orders().iter().all(|order| lines(order) == [(3, 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_jar_at_another_instance_undoes_nothing() {
    let bus = Bus::open().await;
    let store = Store::open();
    let (a, b) = (
        Shop::over(&store, &bus.connection_string()),
        Shop::over(&store, &bus.connection_string()),
    );
    let mut shopper = Shopper::enter(&a.url).await;
    shopper.does("add", 1).await;
    let mut older = shopper.clone();
    for product in [1, 2, 3, 4, 5] {
        shopper.does("add", product).await;
    }
    older.shop.clone_from(&b.url);
    older.does("add", 6).await;
    let answer = older.complete("").await;
    assert_eq!(answer.location.as_deref(), Some("/order"));
    until("sent", || {
        bus.orders()
            .last()
            .is_some_and(|order| order["complete"] == true)
    })
    .await;
    let placed = bus.orders().pop().unwrap();
    assert_eq!(
        lines(&placed),
        [(1, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]
    );
    // The first tab does not know of it yet.
    shopper.does("add", 7).await;
    until("sent", || {
        bus.orders()
            .last()
            .is_some_and(|order| lines(order) == [(7, 1)])
    })
    .await;
    let mut of_placed = bus
        .orders()
        .into_iter()
        .filter(|order| order["id"] == placed["id"]);
    assert_eq!(of_placed.next_back(), Some(placed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_from_before_never_reaches_a_placed_order() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    for round in 0..10 {
        let mut shopper = Shopper::enter(&shop.url).await;
        shopper.does("add", 1).await;
        let page = shopper.look("/cart").await;
        let session = page.session().unwrap().to_owned();
        let mut before = shopper.clone();
        if round % 2 == 0 {
            assert_eq!(shopper.place("").await.location.as_deref(), Some("/order"));
            before.does("add", 2).await;
            let again = before.place("").await;
            assert_eq!(again.location.as_deref(), Some("/order?again=1"));
        } else {
            // At once: whichever comes first, the order is placed whole or not at all.
            let (placed, _) = tokio::join!(shopper.place(""), before.step("add", 2));
            if placed.status == 409 {
                assert!(
                    placed.text.contains("Your cart has changed"),
                    "{}",
                    placed.text
                );
                assert_eq!(
                    shopper.complete("").await.location.as_deref(),
                    Some("/order")
                );
            }
        }
        until_async("sent", async || shopper.pending().await == 0).await;
        let mut orders = bus
            .orders()
            .into_iter()
            .filter(|order| order["id"] == session);
        assert_eq!(
            orders.next_back().unwrap()["complete"],
            true,
            "round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_at_once_are_all_done_at_one_instance_and_at_two() {
    let bus = Bus::open().await;
    let store = Store::open();
    let (a, b) = (
        Shop::over(&store, &bus.connection_string()),
        Shop::over(&store, &bus.connection_string()),
    );
    let shopper = Shopper::enter(&a.url).await;
    let mut clicks = tokio::task::JoinSet::new();
    for at in 0..9 {
        let mut shopper = shopper.clone();
        if at % 3 == 2 {
            shopper.shop.clone_from(&b.url);
        }
        clicks.spawn(async move { shopper.does("add", 1).await });
    }
    clicks.join_all().await;
    let mut shopper = shopper;
    assert!(shopper.look("/cart").await.text.contains("9 pieces"));
    until("sent", || {
        bus.orders()
            .last()
            .is_some_and(|order| lines(order) == [(1, 9)])
    })
    .await;
}

/// The bus has it, the store does not know, and the instance is gone.
#[tokio::test(start_paused = true)]
async fn what_was_sent_and_not_noted_is_not_sent_after_something_newer() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let name = ShopperKey::fresh(0).name();
    let session = name.first_session().to_string();
    let one = Instance::start(&store, broker.way(Door::Open), Watch::off_by(0));
    store.next(&[Fate::Done]);
    one.click(&name, &ADD).await.unwrap();
    store.set_down(true);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(broker.pieces(&session), [1], "sent");
    drop(one);
    store.set_down(false);
    let two = Instance::start(&store, broker.way(Door::Open), Watch::off_by(2_000));
    two.click(&name, &ADD).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(broker.pieces(&session), [1, 2]);
    assert!(broker.requests() >= 3, "the first one was sent again");
    assert_eq!((two.pending(), store.marked()), (0, 0));
}

/// Sends one, which is unclear and arrives late; then another.
async fn a_late_request(detects_duplicates: bool) -> Vec<u64> {
    let (store, broker) = (Memory::default(), Broker::new(detects_duplicates));
    let name = ShopperKey::fresh(0).name();
    let shop = Instance::start(&store, broker.way(Door::Late), Watch::off_by(0));
    shop.click(&name, &ADD).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    shop.way.set(Door::Open);
    shop.click(&name, &ADD).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((shop.pending(), store.marked()), (0, 0));
    broker.late_requests();
    broker.pieces(&name.first_session().to_string())
}

#[tokio::test(start_paused = true)]
async fn a_late_request_carries_an_id_that_the_queue_has_seen() {
    assert_eq!(a_late_request(true).await, [1, 2]);
}

/// Negative control, and why the queue has to detect duplicates.
#[tokio::test(start_paused = true)]
async fn without_duplicate_detection_a_late_request_would_win() {
    assert_eq!(a_late_request(false).await, [1, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_of_one_laptop_share_a_jar_and_no_cart() {
    let bus = Bus::open().await;
    let (one, two) = (
        Shop::start(&bus.connection_string()),
        Shop::start(&bus.connection_string()),
    );
    let (mut here, mut there) = (
        Shopper::enter(&one.url).await,
        Shopper::enter(&two.url).await,
    );
    let jar = format!("petstore=garbage; {}; {}", here.cookie, there.cookie);
    here.cookie.clone_from(&jar);
    there.cookie = jar.clone();
    here.step("add", 1).await;
    there.step("add", 2).await;
    for (shopper, product) in [(&mut here, "Ball"), (&mut there, "Ball Launcher")] {
        shopper.cookie.clone_from(&jar);
        let cart = shopper.look("/cart").await;
        assert!(cart.text.contains("1 piece") && cart.text.contains(product));
        assert_eq!(cart.set_cookie, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_done_once() {
    for fates in [
        &[Fate::AnswerLost][..],
        &[Fate::Failed],
        &[Fate::Late],
        &[Fate::Late, Fate::AnswerLost],
        &[Fate::Failed, Fate::AnswerLost],
    ] {
        let (store, broker) = (Memory::default(), Broker::new(true));
        let name = ShopperKey::fresh(0).name();
        let shop = Instance::start(&store, broker.way(Door::Open), Watch::off_by(0));
        store.next(fates);
        assert_eq!(shop.click(&name, &ADD).await, Some(1), "{fates:?}");
        assert_eq!(
            store.late_writes(),
            0,
            "{fates:?}: refused by its condition"
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        let session = name.first_session().to_string();
        assert_eq!(broker.pieces(&session), [1], "{fates:?}");
        assert_eq!(store.marked(), 0, "{fates:?}");
    }
}

/// Its fate is open: whatever it was, nothing is lost and nothing done twice.
#[tokio::test(start_paused = true)]
async fn a_click_that_was_turned_away_in_doubt_is_whole_or_not_at_all() {
    for (fates, pieces) in [
        ([Fate::AnswerLost, Fate::Failed, Fate::Failed], 1),
        ([Fate::Late, Fate::Late, Fate::Late], 1),
        ([Fate::Failed; 3], 0),
    ] {
        let (store, broker) = (Memory::default(), Broker::new(true));
        let name = ShopperKey::fresh(0).name();
        let shop = Instance::start(&store, broker.way(Door::Open), Watch::off_by(0));
        store.next(&fates);
        let clicked = shop.click(&name, &ADD).await;
        assert_eq!(clicked.is_some(), fates[0] == Fate::AnswerLost, "{fates:?}");
        store.late_writes();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let session = name.first_session().to_string();
        assert_eq!(broker.pieces(&session).len(), pieces, "{fates:?}");
        assert_eq!((shop.pending(), store.marked()), (0, 0), "{fates:?}");
    }
}

/// One message that the bus never takes, in a shop that is quiet otherwise.
#[tokio::test(start_paused = true)]
async fn what_never_goes_holds_up_nobody_who_comes_new() {
    let (store, broker) = (Memory::default(), Broker::new(true));
    let shop = Instance::start(&store, broker.way(Door::Shut), Watch::off_by(0));
    let (stuck, new) = (ShopperKey::fresh(0).name(), ShopperKey::fresh(0).name());
    shop.click(&stuck, &ADD).await.unwrap();
    tokio::time::sleep(Duration::from_secs(120)).await;
    let tries = broker.requests();
    assert!((5..40).contains(&tries), "longer and longer waits: {tries}");
    shop.click(&new, &ADD).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(broker.requests(), tries + 1, "at once");
    shop.way.set(Door::Open);
    shop.click(&ShopperKey::fresh(0).name(), &ADD)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(broker.orders().len(), 3, "its yes ends all waits");
    assert_eq!(shop.pending(), 0);
}
