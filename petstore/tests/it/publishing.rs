//! Every way the bus may answer.

use std::time::Duration;

use crate::support::{
    bus::{Bus, connection_string, lines},
    folder,
    scripted::{Act, Scripted},
    shop::Shop,
    shopper::Shopper,
    until,
};

async fn shop(script: &[Act], more: &[(&str, &str)]) -> (Scripted, Shop, Shopper) {
    let bus = Scripted::open(script).await;
    let shop = Shop::with(&connection_string(bus.address), &folder("publishing"), more);
    let shopper = Shopper::enter(&shop.url).await;
    (bus, shop, shopper)
}

#[tokio::test]
async fn a_change_arrives_once_with_all_its_properties() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string(), &folder("properties"));
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 8).await;
    until("published", async || bus.messages().len() == 1).await;
    shopper.does("plus", 8).await;
    until("published again", async || bus.messages().len() == 2).await;
    let orders = bus.orders();
    let expected: [&[(u64, u64)]; 2] = [&[(8, 1)], &[(8, 2)]];
    assert_eq!(orders.iter().map(lines).collect::<Vec<_>>(), expected);
    let properties: Vec<_> = bus
        .messages()
        .into_iter()
        .map(|peeked| peeked.accepted.message.properties)
        .collect();
    for (properties, order) in properties.iter().zip(&orders) {
        assert_eq!(properties.session_id.as_deref(), order["id"].as_str());
        assert_eq!(properties.content_type.as_deref(), Some("application/json"));
        assert_eq!(properties.label.as_deref(), Some("CartUpdated"));
        let id: uuid::Uuid = properties.message_id.as_deref().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
        let trace = properties.correlation_id.as_deref().unwrap();
        let parts: Vec<usize> = trace.split('-').map(str::len).collect();
        assert_eq!(parts, [2, 32, 16, 2], "{trace}");
        assert!(properties.application.is_empty(), "no stray headers");
    }
    assert_ne!(properties[0].message_id, properties[1].message_id);
    assert_ne!(properties[0].correlation_id, properties[1].correlation_id);
    until("nothing waits", async || shopper.pending().await == 0).await;
}

#[tokio::test]
async fn what_passes_is_tried_again_under_the_same_id_and_arrives_once() {
    let script = [
        Act::Answer(503),
        Act::Answer(408),
        Act::Hang,
        Act::AcceptAndFail,
        Act::Answer(500),
    ];
    let (bus, _shop, mut shopper) = shop(&script, &[("PUBLISH_TIMEOUT_MS", "300")]).await;
    shopper.does("add", 3).await;
    let page = shopper.look("/cart").await.text;
    assert!(page.contains("Reservation pending"), "{page}");
    until("published", async || shopper.pending().await == 0).await;
    let seen = bus.seen();
    assert_eq!(seen.len(), script.len() + 1);
    let trace = &seen[0].properties["CorrelationId"];
    assert!(
        seen.iter()
            .all(|one| one.message_id() == seen[0].message_id()
                && one.properties["CorrelationId"] == *trace)
    );
    assert!(
        seen.iter()
            .all(|one| one.authorization.starts_with("SharedAccessSignature sr="))
    );
    assert_eq!(
        bus.queue.peek().len(),
        1,
        "the duplicate is dropped by its id"
    );
    assert!(
        shopper
            .look("/cart")
            .await
            .text
            .contains("Reserved for you")
    );
}

#[tokio::test]
async fn the_bus_is_left_alone_as_long_as_it_asks() {
    let (bus, _shop, mut shopper) = shop(&[Act::Throttle("2")], &[]).await;
    let mut other = Shopper::enter(&shopper.shop).await;
    shopper.does("add", 1).await;
    until("throttled", async || bus.seen().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.does("add", 2).await;
    until("published", async || shopper.pending().await == 0).await;
    let seen = bus.seen();
    assert_eq!(seen.len(), 3);
    for later in &seen[1..] {
        let wait = later.at - seen[0].at;
        assert!(wait >= Duration::from_millis(1950), "{wait:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_loud_and_loses_nothing() {
    for (status, hint) in [
        (400, "properties"),
        (401, "ServiceBusConnection"),
        (403, "Data Sender"),
        (404, "ORDERS_QUEUE_NAME"),
    ] {
        let tries = if status == 401 { 2 } else { 1 };
        let (bus, shop, mut shopper) = shop(&[Act::Answer(status); 2][..tries], &[]).await;
        shopper.does("add", 1).await;
        until("refused", async || shop.log().contains(hint)).await;
        assert_eq!(
            bus.seen().len(),
            tries,
            "once more with a new token, and only after 401"
        );
        assert!(shop.log().contains("\"level\":\"ERROR\""), "{}", shop.log());
        assert_eq!(shopper.pending().await, 1, "it waits for a person");
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_by_the_door_and_named() {
    let bus = Bus::open().await;
    let wrong = bus.connection_string().replace("c2VjcmV0", "d3Jvbmc");
    let shop = Shop::start(&wrong, &folder("wrong-key"));
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 1).await;
    until("refused", async || {
        shop.log().contains("see ServiceBusConnection")
    })
    .await;
    assert!(bus.messages().is_empty());
    assert!(!shop.log().contains("d3Jvbmc"), "the key is in the log");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named() {
    let bus = Bus::open().await;
    let settings = [("ORDERS_QUEUE_NAME", "other")];
    let shop = Shop::with(&bus.connection_string(), &folder("no-queue"), &settings);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 1).await;
    until("refused", async || {
        shop.log().contains("queue other: it has no such queue")
    })
    .await;
}

/// While one send is under way, a newer cart waits for its end, and only the newest is sent then.
#[tokio::test]
async fn one_session_sends_one_at_a_time_and_the_newest_next() {
    let (bus, _shop, mut shopper) = shop(&[Act::Hang], &[("PUBLISH_TIMEOUT_MS", "700")]).await;
    shopper.does("add", 1).await;
    until("under way", async || bus.seen().len() == 1).await;
    for _ in 0..4 {
        shopper.does("plus", 1).await;
    }
    until("published", async || shopper.pending().await == 0).await;
    let quantities: Vec<_> = bus.seen().iter().map(|one| lines(&one.body)[0].1).collect();
    assert_eq!(quantities, [1, 5]);
}
