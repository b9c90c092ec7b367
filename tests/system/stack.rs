//! The local stack with the real binary: what `cargo local` starts, on free ports.

use std::collections::BTreeMap;
use std::time::Duration;

use azure_app::http_client;
use host::app::DataType;
use host::{Delivered, DeliveryOutcome, Event, encode_invocation};
use load::evidence::{Mailed, sha256};
use stack::{Ports, Stack};
use stand_in::{Fault, Method, StatusCode};
use tokio::time::timeout;

pub(super) const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";
pub(super) const BLOB: &str = "E7DBA502A3B795953DDE76EA965EBBF3.json";

/// A safety net, never an expectation.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) const STORAGE_DOWN: Fault = Fault::Status {
    status: StatusCode::SERVICE_UNAVAILABLE,
    error_code: "ServerBusy",
    retry_after: None,
};
const FALLBACK_DOWN: Fault = Fault::Status {
    status: StatusCode::BAD_GATEWAY,
    error_code: "",
    retry_after: None,
};

/// The function's program, as a setting has it.
pub(super) fn handler() -> String {
    let program = testkit::programs::built("order-items-reserver");
    program.to_str().expect("a path of text").to_owned()
}

pub(super) struct Pipeline {
    pub(super) stack: Stack,
    client: reqwest::Client,
}

impl Pipeline {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more settings than are needed.
    pub(super) async fn start_with(more: &[(&str, &str)]) -> Self {
        let mut settings = BTreeMap::from([
            (
                "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath"
                    .to_owned(),
                handler(),
            ),
            ("UPLOAD_BACKOFF_BASE_MS".to_owned(), "5".to_owned()),
        ]);
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings.extend(more);
        let stack = Stack::start(&testkit::workspace(), Ports::Auto, settings)
            .await
            .unwrap();
        let client = http_client::build("test").unwrap();
        Self { stack, client }
    }

    pub(super) async fn post(&self, cart: &str) {
        let url = format!("{}/order-items/messages", self.stack.door.url());
        let properties = format!(r#"{{"SessionId":"{SESSION}"}}"#);
        let sent = self.client.post(url).header("BrokerProperties", properties);
        let sent = sent.body(cart.to_owned()).send().await.unwrap();
        assert_eq!(sent.status(), 201);
    }

    /// How the next delivery ends.
    pub(super) async fn delivered(&mut self) -> Delivered {
        let next = async {
            loop {
                if let Event::Delivered(delivered) = self.stack.events.recv().await.unwrap() {
                    return delivered;
                }
            }
        };
        timeout(LIMIT, next).await.expect("a delivery ends")
    }

    pub(super) async fn blob_over_http(&self) -> String {
        let url = format!("{}/orders/{BLOB}", self.stack.blob.as_ref().unwrap().url());
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub(super) fn uploads(&self) -> usize {
        let requests = self.stack.blob.as_ref().unwrap().requests();
        requests
            .iter()
            .filter(|request| request.method == Method::PUT && request.path.contains(BLOB))
            .count()
    }

    fn mails(&self) -> Vec<serde_json::Value> {
        let received = self.stack.logic_app.as_ref().unwrap().received();
        received
            .iter()
            .map(|mail| serde_json::from_slice(&mail.body).unwrap())
            .collect()
    }

    pub(super) fn set_faults(&self, storage: Fault, fallback: Fault) {
        self.stack.blob.as_ref().unwrap().faults().set(storage);
        self.stack
            .logic_app
            .as_ref()
            .unwrap()
            .faults()
            .set(fallback);
    }
}

pub(super) fn cart(quantity: u32) -> String {
    // Spacing and unknown fields must survive.
    format!(
        r#"{{ "id":"{SESSION}","products":[{{"id":8,"quantity":{quantity}}}],  "note":"zoë" }}"#
    )
}

pub(super) fn completed(delivered: &Delivered) -> bool {
    matches!(
        delivered.outcome,
        DeliveryOutcome::Completed { status: 200, .. }
    )
}

#[tokio::test]
async fn s3_a_cart_posted_is_the_blob_byte_for_byte_and_the_next_one_overwrites_it() {
    let mut pipeline = Pipeline::start().await;
    for quantity in 1..=3 {
        pipeline.post(&cart(quantity)).await;
        assert!(completed(&pipeline.delivered().await));
        assert_eq!(pipeline.blob_over_http().await, cart(quantity));
    }
    // One PUT each, and one more for the very first: there was no container yet.
    assert_eq!(pipeline.uploads(), 4);
    pipeline.stack.stop().await;
}

#[tokio::test]
async fn s2_an_old_message_replayed_does_not_bring_its_cart_back() {
    let mut pipeline = Pipeline::start().await;
    pipeline.post(&cart(1)).await;
    pipeline.delivered().await;
    pipeline.post(&cart(2)).await;
    pipeline.delivered().await;

    let spare = bus::Queue::new(
        "order-items",
        bus::QueueOptions::default(),
        pipeline.stack.queue.clock(),
    );
    let history = pipeline
        .stack
        .blob
        .as_ref()
        .unwrap()
        .history("orders", BLOB);
    let first = &history.first().unwrap();
    assert_eq!(first.bytes, cart(1));
    spare
        .enqueue(bus::Message::new(cart(1)).with_session(SESSION))
        .unwrap();
    let mut old = spare.receive().await;
    old.accepted.enqueued -= Duration::from_secs(5);
    let replayed = pipeline
        .client
        .post(format!(
            "{}/OrderItemsReserver",
            pipeline.stack.host.as_ref().unwrap().handler_url()
        ))
        .body(encode_invocation(&old, DataType::Binary))
        .send()
        .await
        .unwrap();

    assert_eq!(replayed.status(), 200);
    let answer = replayed.text().await.unwrap();
    assert_eq!(answer, r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#);
    assert_eq!(pipeline.blob_over_http().await, cart(2));
    pipeline.stack.stop().await;
}

#[tokio::test]
async fn s4_s7_a_dead_store_sees_four_uploads_and_the_fallback_the_whole_order() {
    let mut pipeline = Pipeline::start().await;
    pipeline.set_faults(STORAGE_DOWN, Fault::None);
    pipeline.post(&cart(7)).await;
    assert!(completed(&pipeline.delivered().await));

    assert_eq!(pipeline.uploads(), 4);
    let mails = pipeline.mails();
    let [mail] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    let mailed = Mailed::read(mail);
    assert_eq!(
        mailed.sha256,
        Some(sha256(cart(7).as_bytes())),
        "byte for byte"
    );
    assert_eq!(mail["failure"]["attempts"], 4);
    assert_eq!(
        mail["failure"]["reason"],
        "upload could not be confirmed: 503 ServerBusy"
    );
    pipeline.stack.stop().await;
}

/// From who publishes, through the queue and the host, to the run and the mail's text.
#[tokio::test]
async fn one_id_leads_from_the_message_to_the_mail() {
    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut pipeline = Pipeline::start().await;
    pipeline.set_faults(STORAGE_DOWN, Fault::None);
    let url = format!("{}/order-items/messages", pipeline.stack.door.url());
    let properties = format!(r#"{{"SessionId":"{SESSION}"}}"#);
    let trace = format!("\"00-{ID}-00f067aa0ba902b7-01\"");
    let sent = pipeline.client.post(url);
    let sent = sent.header("BrokerProperties", properties);
    let sent = sent.header("Diagnostic-Id", &trace);
    let sent = sent.header("traceparent", &trace).body(cart(7));
    assert_eq!(sent.send().await.unwrap().status(), 201);
    assert!(completed(&pipeline.delivered().await));

    let received = pipeline.stack.logic_app.as_ref().unwrap().received();
    assert_eq!(received[0].headers["x-ms-client-tracking-id"], ID);
    let traceparent = &received[0].headers["traceparent"];
    assert_eq!(traceparent.split('-').nth(1), Some(ID));
    let mails = pipeline.stack.mail.as_ref().unwrap().mails();
    let text = mails[0].email.content.plain_text.as_deref().unwrap();
    assert!(text.contains(&format!("\nTrace: {ID}\n")), "{text}");
    let html = mails[0].email.content.html.as_deref().unwrap();
    assert!(html.contains(&format!("<td>{ID}</td>")), "{html}");
    pipeline.stack.stop().await;
}

#[tokio::test]
async fn l1_with_both_down_the_message_comes_again_and_lands_when_the_storage_is_back() {
    let mut pipeline = Pipeline::start().await;
    pipeline.set_faults(STORAGE_DOWN, FALLBACK_DOWN);
    pipeline.post(&cart(9)).await;
    let first = pipeline.delivered().await;
    assert!(
        matches!(first.outcome, DeliveryOutcome::Abandoned { .. }),
        "{first:?}"
    );
    assert_eq!(pipeline.uploads(), 4);

    pipeline.set_faults(Fault::None, FALLBACK_DOWN);
    let last = loop {
        let delivered = pipeline.delivered().await;
        if completed(&delivered) {
            break delivered;
        }
    };
    assert!(last.delivery_count > 1);
    assert_eq!(pipeline.blob_over_http().await, cart(9));
    assert!(pipeline.mails().is_empty());
    pipeline.stack.stop().await;
}

#[tokio::test]
async fn l4_a_handler_killed_over_and_over_loses_nothing() {
    let mut pipeline = Pipeline::start().await;
    for quantity in 1..=10 {
        pipeline.post(&cart(quantity)).await;
        pipeline.stack.host.as_ref().unwrap().kill_handler();
    }
    while pipeline.stack.queue.counts().active + pipeline.stack.queue.counts().locked > 0 {
        pipeline.delivered().await;
    }
    assert_eq!(pipeline.blob_over_http().await, cart(10));
    assert!(pipeline.stack.queue.dead_letters().is_empty());
    pipeline.stack.stop().await;
}

/// The twin of the outage in virtual time, over real sockets and processes.
#[tokio::test]
#[ignore = "takes five minutes: the waits before ten redeliveries"]
async fn l1_with_both_down_for_good_the_message_is_dead_lettered_intact() {
    let mut pipeline = Pipeline::start().await;
    pipeline.set_faults(STORAGE_DOWN, FALLBACK_DOWN);
    pipeline.post(&cart(4)).await;
    for delivery_count in 1..=10 {
        let delivered = pipeline.delivered().await;
        println!("delivery {delivery_count} took {:?}", delivered.took);
        assert_eq!(delivered.delivery_count, delivery_count);
        assert!(matches!(
            delivered.outcome,
            DeliveryOutcome::Abandoned { .. }
        ));
        assert_eq!(pipeline.uploads(), 4 * delivery_count as usize);
    }
    let letters = pipeline.stack.queue.dead_letters();
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}")
    };
    assert_eq!(letter.accepted.message.body, cart(4));
    assert!(pipeline.mails().is_empty());
    pipeline.stack.stop().await;
}
