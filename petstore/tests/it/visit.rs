//! A whole visit.

use reqwest::Method;
use testkit::{until, until_async};

use crate::support::bus::{Bus, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;

#[tokio::test]
async fn a_visit_ends_in_a_complete_order_and_the_next_one_is_its_own() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    let empty = shopper.look("/cart").await;
    shopper.to_place = format!("order={}&revision=0", empty.session().unwrap());
    assert_eq!(
        shopper.place("").await.location.as_deref(),
        Some("/cart"),
        "nothing to order"
    );
    shopper.does("add", 10).await;
    assert_eq!(shopper.complete("nobody").await.status, 400);
    let answer = shopper.complete("a%2Bb%40example.org").await;
    assert_eq!(answer.location.as_deref(), Some("/order"));
    let page = shopper.look("/order").await.text;
    assert!(page.contains("Your order is complete") && page.contains("a+b@example.org"));
    let again = shopper.place("").await;
    assert_eq!(again.location.as_deref(), Some("/order?again=1"));
    assert_eq!(again.set_cookie, None);
    let page = shopper.look("/order?again=1").await.text;
    assert!(page.contains("was not placed twice"), "{page}");
    let cart = shopper.look("/cart").await.text;
    assert!(cart.contains("Your cart is empty") && cart.contains("Your last order"));
    let refused = shopper.step("minus", 10).await;
    assert_eq!(
        (refused.status, refused.set_cookie),
        (303, None),
        "a placed order stays"
    );
    until_async("published", async || shopper.pending().await == 0).await;
    let placed = bus.orders().pop().unwrap();
    assert_eq!(
        (&placed["complete"], &placed["email"]),
        (&true.into(), &"a+b@example.org".into())
    );
    assert_eq!(
        lines(&placed),
        [(10, 1)],
        "complete, and the products with it"
    );
    shopper.does("add", 11).await;
    until("published", || bus.orders().last() != Some(&placed)).await;
    let next = bus.orders().pop().unwrap();
    assert_ne!(
        next["id"], placed["id"],
        "a placed order is not overwritten"
    );
    assert_eq!(
        (&next["complete"], &next["email"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert!(
        !shop.log().contains("example.org"),
        "the log holds an address"
    );
}

/// The product's page has a field for it.
#[tokio::test]
async fn a_quantity_is_set_whatever_it_was() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    for (quantity, said) in [
        (4, "Mouse: 4 in"),
        (10, "Mouse: 10 in"),
        (0, "Mouse is out of"),
    ] {
        let form = format!(
            "step=set&product=7&quantity={quantity}&token={}",
            shopper.token
        );
        let answer = shopper.send(Method::POST, "/cart", &[], &form).await;
        let cart = shopper.look(answer.location.as_deref().unwrap()).await.text;
        assert!(cart.contains(said), "{cart}");
        let page = shopper.look("/products/7").await.text;
        let field = format!("name=\"quantity\" value=\"{quantity}\"");
        assert_eq!(page.contains(&field), quantity > 0, "{page}");
    }
    let form = format!("step=set&product=7&quantity=11&token={}", shopper.token);
    let answer = shopper.send(Method::POST, "/cart", &[], &form).await;
    assert_eq!((answer.status, answer.set_cookie), (303, None));
    let cart = shopper.look(answer.location.as_deref().unwrap()).await.text;
    assert!(cart.contains("10 is the most for one order"), "{cart}");
}

#[tokio::test]
async fn ten_is_the_most_and_the_last_one_leaves() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    for _ in 0..10 {
        shopper.does("add", 6).await;
    }
    let answer = shopper.step("plus", 6).await;
    let cart = shopper.look(answer.location.as_deref().unwrap()).await.text;
    assert!(cart.contains("10 is the most for one order"), "{cart}");
    shopper.does("remove", 6).await;
    let cart = shopper.look("/cart?note=changed&product=6").await.text;
    assert!(cart.contains("is out of the cart") && cart.contains("Your cart is empty"));
    until("published", || {
        bus.orders()
            .last()
            .is_some_and(|order| lines(order).is_empty())
    })
    .await;
    let odd = shopper.look("/cart?note=%3Cb%3E&product=6").await.text;
    assert!(!odd.contains("<b>"));
}
