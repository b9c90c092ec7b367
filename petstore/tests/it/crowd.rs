//! Many shoppers at once: what the queue has last of each is the cart that they see.

use std::collections::HashMap;

use testkit::until_async;

use crate::support::bus::{Bus, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;

const SHOPPERS: u32 = 60;
const CHANGES: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn every_shopper_of_a_crowd_has_their_own_newest_cart_reserved() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..SHOPPERS {
        let url = shop.url.clone();
        crowd.spawn(async move {
            let mut shopper = Shopper::enter(&url).await;
            let mut cart: Vec<(u64, u64)> = Vec::new();
            for change in 0..CHANGES {
                let product = (number + change) % 3 + 1;
                shopper.does("add", product).await;
                match cart.iter_mut().find(|line| line.0 == u64::from(product)) {
                    Some(line) => line.1 += 1,
                    None => cart.push((product.into(), 1)),
                }
            }
            let page = shopper.look("/").await.text;
            let session = page.split("session: <code>").nth(1).unwrap();
            (session[..32].to_owned(), cart)
        });
    }
    let carts: HashMap<String, Vec<(u64, u64)>> = crowd.join_all().await.into_iter().collect();
    assert_eq!(carts.len(), SHOPPERS as usize);
    let mut anyone = Shopper::enter(&shop.url).await;
    until_async("delivered", async || anyone.pending().await == 0).await;
    let mut newest: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
    for order in bus.orders() {
        let session = order["id"].as_str().unwrap().to_owned();
        let now = lines(&order);
        let pieces = |lines: &[(u64, u64)]| lines.iter().map(|line| line.1).sum::<u64>();
        let before = newest.get(&session).map_or(0, |lines| pieces(lines));
        assert!(
            pieces(&now) > before,
            "{session}: {before} pieces, and then {now:?}"
        );
        newest.insert(session, now);
    }
    assert_eq!(newest, carts);
}
