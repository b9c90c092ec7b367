//! The REST door over real loopback requests.

use bus::Message;
use serde_json::{Value, json};

use super::Stage;

impl Stage {
    fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{path}", self.door.url()))
            .body(body)
    }

    async fn get(&self, path: &str) -> Value {
        let response = self
            .client
            .get(format!("{}{path}", self.door.url()))
            .send()
            .await
            .expect("an answer");
        serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.send().await.expect("an answer");
    (
        response.status().as_u16(),
        response.text().await.expect("a body"),
    )
}

#[tokio::test]
async fn a_sent_message_waits_with_its_bytes_and_properties() {
    let mut stage = Stage::open().await;
    let request = stage
        .post(
            "/order-items/messages?api-version=2014-01&timeout=60",
            vec![0xE4, 0x00],
        )
        .header(
            "BrokerProperties",
            r#"{"SessionId":"S","MessageId":"m-1","Label":"CartUpdated"}"#,
        )
        .header("Content-Type", "application/json")
        .header("Kind", "\"cart\"");
    assert_eq!(answer(request).await, (201, String::new()));
    let delivery = stage.queue.try_receive().expect("a message");
    let message = delivery.accepted.message;
    assert_eq!(message.body.as_ref(), [0xE4, 0x00]);
    assert_eq!(message.properties.session_id.as_deref(), Some("S"));
    assert_eq!(
        message.properties.content_type.as_deref(),
        Some("application/json")
    );
    assert_eq!(
        message.properties.application.get("kind"),
        Some(&json!("cart"))
    );
    assert!(
        stage
            .hints
            .try_recv()
            .expect("a hint")
            .contains("Azure answers 401")
    );
}

#[tokio::test]
async fn a_duplicate_is_answered_like_any_other() {
    let stage = Stage::open().await;
    for _ in 0..2 {
        let request = stage
            .post("/order-items/messages", "x")
            .header("BrokerProperties", r#"{"MessageId":"m-1"}"#);
        assert_eq!(answer(request).await, (201, String::new()));
    }
    assert_eq!(stage.queue.counts().active, 1);
}

#[tokio::test]
async fn a_batch_is_accepted_whole_or_not_at_all() {
    let stage = Stage::open().await;
    let batch = |second: Value| {
        let items = json!([
            {"Body":"a","BrokerProperties":{"SessionId":"S"},"UserProperties":{"n":1}},
            {"Body":"b","BrokerProperties":second},
        ]);
        stage
            .post("/order-items/messages", items.to_string())
            .header("Content-Type", "application/vnd.microsoft.servicebus.json")
    };
    let (status, text) = answer(batch(json!({"MessageId":7}))).await;
    assert_eq!(
        (status, text.as_str()),
        (
            400,
            "BrokerProperties: MessageId: expected a string, found 7"
        )
    );
    assert_eq!(stage.queue.counts().active, 0);
    assert_eq!(answer(batch(json!({}))).await.0, 201);
    let bodies: Vec<_> = stage
        .queue
        .peek()
        .into_iter()
        .map(|peeked| peeked.accepted.message.body)
        .collect();
    assert_eq!(bodies, ["a", "b"]);
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let stage = Stage::open().await;
    let (status, text) = answer(stage.post("/other/messages", "x")).await;
    assert_eq!(
        (status, text.as_str()),
        (404, "no queue \"other\" here; there is: order-items")
    );
    let unsigned = stage.post("/order-items/messages", "x").header(
        "Authorization",
        "SharedAccessSignature sr=a&sig=b&se=1&skn=Other",
    );
    let (status, text) = answer(unsigned).await;
    assert_eq!(status, 401);
    assert!(text.contains("unknown key name skn=\"Other\""), "{text}");
    let bad = stage
        .post("/order-items/messages", "x")
        .header("BrokerProperties", "SessionId=1");
    assert_eq!(answer(bad).await.0, 400);
    assert_eq!(stage.queue.counts().active, 0);
}

#[tokio::test]
async fn the_largest_message_is_256_kib_with_its_properties() {
    let stage = Stage::open().await;
    let limit = 256 * 1024;
    assert_eq!(
        answer(stage.post("/order-items/messages", vec![b'x'; limit]))
            .await
            .0,
        201
    );
    let with_properties = stage
        .post("/order-items/messages", vec![b'x'; limit])
        .header("BrokerProperties", "{\"To\":\"x\"}");
    assert_eq!(answer(with_properties).await.0, 403);
    let (status, text) = answer(stage.post("/order-items/messages", vec![b'x'; 3 * limit])).await;
    assert_eq!(
        (status, text.contains("786432 bytes")),
        (403, true),
        "{text}"
    );
}

#[tokio::test]
async fn people_see_counts_waiting_messages_and_dead_letters() {
    let stage = Stage::open().await;
    stage
        .queue
        .enqueue(Message::new(vec![0xE4]).with_session("S"))
        .unwrap();
    for _ in 0..10 {
        let delivery = stage.queue.try_receive().expect("a message");
        stage
            .queue
            .abandon(delivery.lock_token)
            .expect("the lock holds");
    }
    stage.queue.enqueue(Message::new("waits")).unwrap();
    let overview = stage.get("/").await;
    assert_eq!(
        overview["queues"][0]["counts"],
        json!({"active":1,"locked":0,"deadLettered":1,"deferred":0,"scheduled":0})
    );
    assert_eq!(overview["stack"]["blobs"], "http://127.0.0.1:10000");
    assert_eq!(
        stage.get("/order-items/messages").await[0]["body"]["text"],
        "waits"
    );
    let letter = &stage.get("/order-items/$deadletterqueue").await[0];
    assert_eq!(
        (&letter["reason"], &letter["deliveryCount"]),
        (&json!("MaxDeliveryCountExceeded"), &json!(10))
    );
    assert_eq!(
        (
            &letter["body"]["base64"],
            &letter["properties"]["SessionId"]
        ),
        (&json!("5A=="), &json!("S"))
    );
    stage.door.stop().await;
}
