//! The storefront's spans: the click, and each try to send what it leads to.

use serde_json::Value;
use testkit::net::nobody;
use testkit::scripted::{Scripted, Step, answering};
use testkit::spans::{Exported, SpanReceiver};
use testkit::until;

use crate::support::bus::{Bus, connection_string};
use crate::support::shop::{Shop, command};
use crate::support::shopper::Shopper;
use crate::support::store::Store;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What the queue's messages carry.
fn carried(bus: &Bus) -> Vec<String> {
    let messages = bus.messages().into_iter();
    let properties = messages.map(|peeked| peeked.accepted.message.properties);
    let carried = properties.map(|it| it.application["diagnostic-id"].as_str().unwrap().to_owned());
    carried.collect()
}

fn is_send(span: &Exported) -> bool {
    span.name == "send order-items"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_each_try_to_send_it_are_spans_of_one_trace() {
    let receiver = SpanReceiver::start().await;
    let bus = Bus::open().await;
    let busy = answering("503 Busy", "");
    let way = vec![Step::ReadAll, Step::Forward(bus.address), Step::Relay];
    let way = Scripted::start([busy], way).await;
    let endpoint = receiver.endpoint();
    let shop = Shop::with(&connection_string(way.address), &[(ENDPOINT, &endpoint)]);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 4).await;
    until("the message", || !bus.messages().is_empty()).await;

    let spans = receiver.wait(3, |_| true).await;
    let click = spans.iter().find(|span| span.name == "POST /cart").unwrap();
    assert_eq!(
        (click.kind as i32, click.parent.as_str()),
        (2, ""),
        "a server's, the first"
    );
    assert_eq!(click.service, "petstore");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/cart"),
        ("url.scheme", "http"),
        ("http.response.status_code", "303"),
    ] {
        assert_eq!(click.get(name), value, "{click:#?}");
    }
    // What the message carries, at each try, is the click.
    assert_eq!(carried(&bus), [click.traceparent()]);
    let told = way
        .received()
        .into_iter()
        .map(|it| it.header("traceparent").unwrap());
    let quoted = format!("\"{}\"", click.traceparent());
    assert_eq!(told.collect::<Vec<_>>(), [quoted.clone(), quoted]);

    let sends: Vec<_> = spans.iter().filter(|span| is_send(span)).collect();
    assert_eq!(sends.len(), 2);
    let session = bus.messages()[0]
        .accepted
        .message
        .properties
        .session_id
        .clone();
    for send in &sends {
        assert_eq!((&send.trace, &send.parent), (&click.trace, &click.id));
        assert_eq!(send.kind as i32, 3, "a client's");
        assert_eq!(send.get("messaging.destination.name"), "order-items");
        assert_eq!(send.get("messaging.system"), "servicebus");
        assert_eq!(Some(send.get("session.id")), session.as_deref());
        assert_eq!(send.get("server.port"), way.address.port().to_string());
    }
    let ended = |span: &Exported| {
        (
            span.get("http.response.status_code").to_owned(),
            span.failure.is_some(),
        )
    };
    let mut ended: Vec<_> = sends.iter().map(|span| ended(span)).collect();
    ended.sort_unstable();
    assert_eq!(ended, [("201".to_owned(), false), ("503".to_owned(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placed_order_is_a_click_too_and_nobodys_secret_is_told() {
    let receiver = SpanReceiver::start().await;
    let bus = Bus::open().await;
    let endpoint = receiver.endpoint();
    let shop = Shop::with(&bus.connection_string(), &[(ENDPOINT, &endpoint)]);
    let mut shopper = Shopper::enter(&shop.url).await;
    shopper.does("add", 4).await;
    shopper.complete("shopper@example.com").await;
    until("both messages", || bus.messages().len() == 2).await;
    let session = bus.messages()[0]
        .accepted
        .message
        .properties
        .session_id
        .clone();
    let placed = receiver
        .wait(1, |span| span.name == "POST /cart/complete")
        .await;
    assert_eq!(placed[0].get("http.response.status_code"), "303");
    assert_eq!(Some(placed[0].get("session.id")), session.as_deref());
    let said = format!("{:?}", receiver.spans());
    for secret in [
        "shopper@",
        &shopper.cookie,
        "SharedAccess",
        "c2VjcmV0",
        "Moose",
    ] {
        assert!(!said.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_is_refused_is_a_span_and_no_trace_comes_from_outside() {
    let receiver = SpanReceiver::start().await;
    let bus = Bus::open().await;
    let endpoint = receiver.endpoint();
    let shop = Shop::with(&bus.connection_string(), &[(ENDPOINT, &endpoint)]);
    let shopper = Shopper::enter(&shop.url).await;
    let client = azure_app::http_client::build("test").unwrap();
    let post = client
        .post(format!("{}/cart", shop.url))
        .header("cookie", &shopper.cookie)
        .header("sec-fetch-site", "cross-site")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("content-type", "application/x-www-form-urlencoded")
        .body("step=add&product=4");
    assert_eq!(post.send().await.unwrap().status(), 403);
    let spans = receiver.wait(1, |_| true).await;
    assert_eq!(spans[0].get("http.response.status_code"), "403");
    assert_eq!((spans[0].parent.as_str(), &spans[0].failure), ("", &None));
    assert_ne!(spans[0].trace, "0af7651916cd43dd8448eb211c80319c");
}

/// The store is down: the page says so, and so does the span.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_is_not_done_is_a_span_that_failed() {
    let receiver = SpanReceiver::start().await;
    let bus = Bus::open().await;
    let gone = nobody();
    let store = format!(
        "BlobEndpoint=http://{}/a;AccountName=a;AccountKey=a2V5",
        gone.address
    );
    let endpoint = receiver.endpoint();
    let settings = [(ENDPOINT, endpoint.as_str()), ("PetStoreStorage", &store)];
    let shop = Shop::with(&bus.connection_string(), &settings);
    let mut shopper = Shopper::enter(&shop.url).await;
    assert_eq!(shopper.step("add", 4).await.status, 503);
    let spans = receiver.wait(1, |_| true).await;
    assert_eq!(spans[0].get("error.type"), "503");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_samples_says_so_to_the_message() {
    let receiver = SpanReceiver::start().await;
    let bus = Bus::open().await;
    let endpoint = receiver.endpoint();
    let settings = [
        (ENDPOINT, endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ];
    let shop = Shop::with(&bus.connection_string(), &settings);
    Shopper::enter(&shop.url).await.does("add", 4).await;
    until("the message", || !bus.messages().is_empty()).await;
    assert!(carried(&bus)[0].ends_with("-00"), "{:?}", carried(&bus));
    assert_eq!(shop.terminate(), Some(0));
    assert!(receiver.headers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_end_it_sends_what_waits_and_waits_for_nobody() {
    let (receiver, bus, store) = (
        SpanReceiver::start().await,
        Bus::open().await,
        Store::open(),
    );
    let silent = Scripted::start([], vec![Step::ReadAll, Step::Hang]).await;
    for endpoint in [receiver.endpoint(), format!("http://{}", silent.address)] {
        let shop = Shop::over_with(&store, &bus.connection_string(), &[(ENDPOINT, &endpoint)]);
        Shopper::enter(&shop.url).await.does("add", 4).await;
        assert_eq!(shop.terminate(), Some(0), "in order, and bounded");
    }
    assert_eq!(receiver.spans().len(), 2, "click and send");
    assert_eq!(bus.messages().len(), 2);
}

#[test]
fn what_cannot_be_done_stops_the_start_and_the_check_says_where_spans_go() {
    let store = Store::open();
    let gone = nobody();
    let bus = connection_string(gone.address);
    let settings = [
        ("ServiceBusConnection", bus.as_str()),
        ("PetStoreStorage", store.connection_string()),
    ];
    let run = |arguments: &[&str], more: &[(&str, &str)]| {
        let all = [&settings[..], more].concat();
        let output = command(&all).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let grpc = [
        (ENDPOINT, "http://127.0.0.1:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let (code, text) = run(&[], &grpc);
    assert_eq!(code, Some(64));
    assert!(
        text.contains("OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is not supported; expected"),
        "{text}"
    );
    let (_, text) = run(&["--check"], &[]);
    assert!(
        text.starts_with("settings  ok; no spans are exported"),
        "{text}"
    );
    let (_, text) = run(&["--check"], &grpc[..1]);
    assert!(
        text.starts_with(
            "settings  ok; spans go to http://127.0.0.1:4317/v1/traces (none was sent)\n"
        ),
        "{text}"
    );
}

/// Without a word about spans the message's trace is the shop's own, as ever.
#[tokio::test(flavor = "multi_thread")]
async fn turned_off_the_message_has_a_trace_all_the_same() {
    let bus = Bus::open().await;
    let shop = Shop::start(&bus.connection_string());
    Shopper::enter(&shop.url).await.does("add", 4).await;
    until("the message", || !bus.messages().is_empty()).await;
    let carried = carried(&bus);
    assert!(carried[0].ends_with("-01"), "{carried:?}");
    let log = shop.log();
    let mut lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(lines.all(|line| line.get("spans").is_none()), "{log}");
}
