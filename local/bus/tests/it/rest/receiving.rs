//! The receiving side of the REST door over real loopback requests.

use bus::Message;
use serde_json::{Value, json};
use stand_in::Method;

use super::Stage;

const FOREIGN_TOKEN: &str = "SharedAccessSignature sr=a&sig=b&se=1&skn=Other";

impl Stage {
    async fn send(&self, method: Method, path: &str) -> reqwest::Response {
        let url = match path.strip_prefix("http") {
            Some(_) => path.to_owned(),
            None => format!("{}/order-items{path}", self.door.url()),
        };
        let request = self.client.request(method, url);
        request.send().await.expect("an answer")
    }

    async fn status(&self, method: Method, path: &str) -> u16 {
        self.send(method, path).await.status().as_u16()
    }

    fn send_to_death(&self, message: Message) {
        self.queue.enqueue(message).unwrap();
        for _ in 0..10 {
            let delivery = self.queue.try_receive().expect("a message");
            let lock = delivery.lock_token;
            self.queue.abandon(lock).expect("the lock holds");
        }
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers()[name].to_str().expect("ASCII")
}

fn broker(response: &reqwest::Response) -> Value {
    serde_json::from_str(header(response, "brokerproperties")).expect("JSON")
}

#[tokio::test]
async fn a_dead_letter_comes_with_its_own_numbers_properties_and_reason() {
    let stage = Stage::open().await;
    let mut message = Message::new(vec![0xE4, 0])
        .with_session("Zoë")
        .with_id("m-1");
    message.properties.correlation_id = Some("00-trace".to_owned());
    message.properties.content_type = Some("application/json".to_owned());
    message
        .properties
        .application
        .insert("kind".to_owned(), json!("cart ü"));
    stage.send_to_death(message);
    let response = stage
        .send(Method::POST, "/%24DeadLetterQueue/messages/head?timeout=0")
        .await;
    assert_eq!(response.status(), 201);
    assert_eq!(
        header(&response, "deadletterreason"),
        r#""MaxDeliveryCountExceeded""#
    );
    assert_eq!(header(&response, "kind"), r#""cart \u00fc""#);
    assert_eq!(header(&response, "content-type"), "application/json");
    let properties = broker(&response);
    let token = properties["LockToken"].as_str().expect("a token");
    let location = format!(
        "{}/order-items/$deadletterqueue/messages/1/{token}",
        stage.door.url()
    );
    assert_eq!(header(&response, "location"), location);
    assert_eq!(
        (
            &properties["SequenceNumber"],
            &properties["DeliveryCount"],
            &properties["SessionId"]
        ),
        (&json!(1), &json!(11), &json!("Zoë"))
    );
    assert_eq!(
        (&properties["MessageId"], &properties["CorrelationId"]),
        (&json!("m-1"), &json!("00-trace"))
    );
    let enqueued = properties["EnqueuedTimeUtc"].as_str().expect("a time");
    assert!(
        enqueued.ends_with(" GMT") && enqueued.len() == 29,
        "{enqueued}"
    );
    assert_eq!(response.bytes().await.expect("a body").as_ref(), [0xE4, 0]);
}

#[tokio::test]
async fn a_lock_is_renewed_unlocked_and_settled_at_its_location() {
    let stage = Stage::open().await;
    stage.send_to_death(Message::new("dead"));
    stage.queue.enqueue(Message::new("waits")).unwrap();
    for part in ["", "/$deadletterqueue"] {
        let head = format!("{part}/messages/head?timeout=0");
        let first = stage.send(Method::POST, &head).await;
        let first = header(&first, "location").to_owned();
        assert_eq!(stage.status(Method::POST, &head).await, 204, "it is locked");
        assert_eq!(stage.status(Method::POST, &first).await, 200, "renewed");
        assert_eq!(stage.status(Method::PUT, &first).await, 200, "unlocked");
        assert_eq!(stage.status(Method::DELETE, &first).await, 404, "lost");
        assert_eq!(stage.status(Method::POST, &first).await, 404, "lost");
        let second = stage.send(Method::POST, &head).await;
        let second = header(&second, "location").to_owned();
        assert_eq!(stage.status(Method::DELETE, &second).await, 200, "settled");
        assert_eq!(stage.status(Method::PUT, &second).await, 404, "gone");
        assert_eq!(stage.status(Method::POST, &head).await, 204, "empty");
    }
    let counts = stage.queue.counts();
    assert_eq!(
        (counts.active, counts.locked, counts.dead_lettered),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_destructive_read_takes_the_message_off_at_once() {
    let stage = Stage::open().await;
    stage.send_to_death(Message::new("dead"));
    let taken = stage
        .send(Method::DELETE, "/$deadletterqueue/messages/head")
        .await;
    assert_eq!(taken.status(), 200);
    assert!(taken.headers().get("location").is_none());
    assert_eq!(taken.text().await.expect("a body"), "dead");
    assert_eq!(stage.queue.dead_letters(), []);
}

#[tokio::test]
async fn a_receiver_that_waits_gets_what_comes() {
    let stage = Stage::open().await;
    let waiting = stage.send(Method::POST, "/messages/head");
    let (received, _) = tokio::join!(waiting, async {
        testkit::until("a request", || !stage.door.requests().is_empty()).await;
        stage.queue.enqueue(Message::new("late")).unwrap();
    });
    assert_eq!(received.text().await.expect("a body"), "late");
}

#[tokio::test]
async fn the_counts_are_atom_xml_as_the_management_interface_writes_it() {
    let stage = Stage::open().await;
    stage.send_to_death(Message::new("dead"));
    stage.queue.enqueue(Message::new("a")).unwrap();
    stage.queue.enqueue(Message::new("b")).unwrap();
    stage.queue.try_receive().expect("a locked one");
    let answer = stage.send(Method::GET, "?api-version=2017-04").await;
    assert!(header(&answer, "content-type").starts_with("application/atom+xml"));
    let xml = answer.text().await.expect("a body");
    for part in [
        "<d2p1:ActiveMessageCount>2</d2p1:ActiveMessageCount>",
        "<d2p1:DeadLetterMessageCount>1</d2p1:DeadLetterMessageCount>",
        "<d2p1:ScheduledMessageCount>0</d2p1:ScheduledMessageCount>",
    ] {
        assert!(xml.contains(part), "{xml}");
    }
}

#[tokio::test]
async fn the_doors_signature_check_guards_every_way_to_receive() {
    let stage = Stage::open().await;
    stage.send_to_death(Message::new("dead"));
    for (method, path) in [
        (Method::GET, "?api-version=2017-04"),
        (Method::POST, "/messages/head?timeout=0"),
        (Method::DELETE, "/$deadletterqueue/messages/head?timeout=0"),
        (Method::DELETE, "/$deadletterqueue/messages/1/x"),
    ] {
        let url = format!("{}/order-items{path}", stage.door.url());
        let request = stage
            .client
            .request(method, url)
            .header("Authorization", FOREIGN_TOKEN);
        assert_eq!(
            request.send().await.expect("an answer").status(),
            401,
            "{path}"
        );
    }
    assert_eq!(
        stage.status(Method::POST, "/other/messages/head").await,
        404
    );
    assert_eq!(stage.queue.dead_letters().len(), 1);
}
