//! Every way the bus may answer.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use testkit::scripted::{Received, Scripted, Step, answer, answering};
use testkit::{until, until_async};

use crate::support::bus::{Bus, connection_string, lines};
use crate::support::shop::Shop;
use crate::support::shopper::Shopper;

/// What the bus does with a request.
#[derive(Clone, Copy, Debug)]
enum Act {
    Refuse(u16),
    /// 429 with this `Retry-After`.
    Throttle(u32),
    Accept,
    /// Accept it, and say that it failed: the answer is lost.
    AcceptAndFail,
    /// Never answer.
    Hang,
}

impl Act {
    /// What gets through goes to the queue at `bus`.
    fn steps(self, bus: SocketAddr) -> Vec<Step> {
        let failed = answer("500 Internal Server Error", "connection: close\r\n", "");
        match self {
            Self::Refuse(status) => answering(&format!("{status} Refused"), ""),
            Self::Throttle(seconds) => {
                let wait = format!("retry-after: {seconds}\r\n");
                answering("429 Too Many Requests", &wait)
            }
            Self::Accept => vec![Step::ReadAll, Step::Forward(bus), Step::Relay],
            Self::AcceptAndFail => vec![
                Step::ReadAll,
                Step::Forward(bus),
                Step::Send(failed),
                Step::Close,
            ],
            Self::Hang => vec![Step::ReadAll, Step::Hang],
        }
    }
}

/// A queue, the way to it, a shop that takes this way, and a shopper.
struct Stage {
    bus: Bus,
    way: Scripted,
    shop: Shop,
    shopper: Shopper,
}

impl Stage {
    /// After its script the bus accepts everything.
    async fn set(script: &[Act], more: &[(&str, &str)]) -> Self {
        let bus = Bus::open().await;
        let first = script.iter().map(|act| act.steps(bus.address));
        let way = Scripted::start(first, Act::Accept.steps(bus.address)).await;
        let shop = Shop::with(&connection_string(way.address), more);
        let shopper = Shopper::enter(&shop.url).await;
        Self {
            bus,
            way,
            shop,
            shopper,
        }
    }
}

fn properties(request: &Received) -> Value {
    let properties = request.header("brokerproperties").unwrap();
    serde_json::from_str(&properties).unwrap()
}

/// Pieces of the first product of each cart that was sent.
fn quantities(requests: &[Received]) -> Vec<u64> {
    let carts = requests.iter().map(|request| {
        let cart: Value = serde_json::from_slice(request.body()).unwrap();
        lines(&cart)[0].1
    });
    carts.collect()
}

#[tokio::test]
async fn a_change_arrives_once_with_all_its_properties() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 8).await;
    until("published", || bus.messages().len() == 1).await;
    shopper.does("plus", 8).await;
    until("published again", || bus.messages().len() == 2).await;
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
        let ours: Vec<&String> = properties.application.keys().collect();
        assert_eq!(ours.len(), 2, "no stray headers: {ours:?}");
        for name in ["Diagnostic-Id", "traceparent"] {
            let found = properties
                .application
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            assert_eq!(found.unwrap().1, trace, "{name}");
        }
    }
    assert_ne!(properties[0].message_id, properties[1].message_id);
    assert_ne!(properties[0].correlation_id, properties[1].correlation_id);
    until_async("nothing waits", async || shopper.pending().await == 0).await;
}

#[tokio::test]
async fn what_passes_is_tried_again_under_the_same_id_and_arrives_once() {
    let script = [
        Act::Refuse(503),
        Act::Refuse(408),
        Act::Hang,
        Act::AcceptAndFail,
        Act::Refuse(500),
    ];
    let mut stage = Stage::set(&script, &[("PUBLISH_TIMEOUT_MS", "300")]).await;
    let shopper = &mut stage.shopper;
    shopper.does("add", 3).await;
    let page = shopper.look("/cart").await.text;
    assert!(page.contains("Reservation pending"), "{page}");
    until_async("published", async || shopper.pending().await == 0).await;
    let sent = stage.way.received();
    assert_eq!(sent.len(), script.len() + 1);
    let first = properties(&sent[0]);
    for request in &sent {
        let again = properties(request);
        assert_eq!(
            request.header("diagnostic-id"),
            sent[0].header("diagnostic-id")
        );
        assert_eq!(request.body(), sent[0].body());
        for name in ["MessageId", "CorrelationId"] {
            assert!(first[name].is_string());
            assert_eq!(again[name], first[name]);
        }
        let token = request.header("authorization").unwrap();
        assert!(token.starts_with("SharedAccessSignature sr="));
    }
    assert_eq!(
        stage.bus.messages().len(),
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
    let mut stage = Stage::set(&[Act::Throttle(2)], &[]).await;
    let shopper = &mut stage.shopper;
    let mut other = Shopper::enter(&shopper.shop).await;
    shopper.does("add", 1).await;
    until("throttled", || stage.way.received().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.does("add", 2).await;
    until_async("published", async || shopper.pending().await == 0).await;
    let sent = stage.way.received();
    assert_eq!(sent.len(), 3);
    for later in &sent[1..] {
        let wait = later.at - sent[0].at;
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
        let mut stage = Stage::set(&[Act::Refuse(status); 2][..tries], &[]).await;
        let (shop, shopper) = (&stage.shop, &mut stage.shopper);
        shopper.does("add", 1).await;
        until("refused", || shop.log().contains(hint)).await;
        assert_eq!(
            stage.way.received().len(),
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
    let shop = Shop::start(&wrong);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 1).await;
    until("refused", || {
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
    let shop = Shop::with(&bus.connection_string(), &settings);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 1).await;
    until("refused", || {
        shop.log().contains("queue other: it has no such queue")
    })
    .await;
}

/// While a send is unclear it is sent again, and newer carts wait; then only the newest is sent.
#[tokio::test]
async fn one_session_sends_one_at_a_time_and_the_newest_next() {
    let mut stage = Stage::set(&[Act::Hang], &[("PUBLISH_TIMEOUT_MS", "700")]).await;
    let shopper = &mut stage.shopper;
    shopper.does("add", 1).await;
    until("under way", || stage.way.received().len() == 1).await;
    for _ in 0..4 {
        shopper.does("plus", 1).await;
    }
    until_async("published", async || shopper.pending().await == 0).await;
    let sent = stage.way.received();
    assert_eq!(quantities(&sent), [1, 1, 5]);
    assert_eq!(properties(&sent[0]), properties(&sent[1]));
}
