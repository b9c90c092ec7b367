//! One trace, from the click to the mail: the spans of the real programs, in the local stack.

use std::time::Duration;

use stack::Ports;
use stack::storefront::{Storefront, StorefrontOptions};
use stand_in::Fault;
use testkit::spans::{Exported, SpanReceiver};

use super::stack::{Pipeline, STORAGE_DOWN, completed};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Puts something into a cart, as a browser would.
async fn click(shop: &str) {
    let client = azure_app::http_client::build("test").unwrap();
    let page = client.get(format!("{shop}/products")).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = page.text().await.unwrap();
    let (_, token) = page.split_once("name=\"token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let clicked = client
        .post(format!("{shop}/cart"))
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}&step=add&product=4"));
    assert_eq!(clicked.send().await.unwrap().status(), 303);
}

#[tokio::test]
async fn one_trace_of_spans_leads_from_the_click_to_the_mail() {
    let receiver = SpanReceiver::start().await;
    let mut pipeline = Pipeline::start_with(&[(ENDPOINT, &receiver.endpoint())]).await;
    pipeline.set_faults(STORAGE_DOWN, Fault::None);
    let options = StorefrontOptions {
        settings: pipeline.stack.shop_settings(Ports::Auto, None),
        port: 0,
    };
    let shop = Storefront::start(testkit::programs::built("petstore"), options);
    let url = shop.url(Duration::from_secs(60)).await.expect("it serves");
    click(&url).await;
    assert!(completed(&pipeline.delivered().await));

    let spans = receiver.wait(8, |_| true).await;
    let named = |name: &str| -> Vec<&Exported> {
        spans
            .iter()
            .filter(|span| span.name.starts_with(name))
            .collect()
    };
    let [click] = named("POST /cart")[..] else {
        panic!("{spans:#?}")
    };
    let [send] = named("send order-items")[..] else {
        panic!("{spans:#?}")
    };
    let [process] = named("process order-items")[..] else {
        panic!("{spans:#?}")
    };
    let attempts = named("PUT ");
    let [mail] = named("POST {FALLBACK_URL}")[..] else {
        panic!("{spans:#?}")
    };
    assert_eq!(attempts.len(), 4);
    for span in &spans {
        assert_eq!(span.trace, click.trace, "{span:#?}");
    }
    assert_eq!(
        (click.service.as_str(), click.parent.as_str()),
        ("petstore", "")
    );
    assert_eq!((&send.service, &send.parent), (&click.service, &click.id));
    // The host's own span, which nobody exports here, is beside it.
    assert_eq!(
        (process.links.len(), &process.links[0].0),
        (1, &click.trace)
    );
    assert_eq!(
        (process.service.as_str(), &process.parent),
        ("order-items-reserver", &click.id)
    );
    for attempt in &attempts {
        assert_eq!(attempt.parent, process.id);
        assert_eq!(attempt.get("http.response.status_code"), "503");
    }
    assert_eq!(mail.parent, process.id);
    assert_eq!(process.get("order.outcome"), "handed over");
    assert_eq!(process.get("session.id"), send.get("session.id"));
    assert_eq!(
        process.get("messaging.message.id"),
        send.get("messaging.message.id")
    );

    let received = pipeline.stack.logic_app.as_ref().unwrap().received();
    assert_eq!(received[0].headers["traceparent"], mail.traceparent());
    let mails = pipeline.stack.mail.as_ref().unwrap().mails();
    let text = mails[0].email.content.plain_text.as_deref().unwrap();
    assert!(
        text.contains(&format!("\nTrace: {}\n", click.trace)),
        "{text}"
    );
    shop.stop().await;
    pipeline.stack.stop().await;
}
