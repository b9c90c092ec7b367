//! Who receives, and what gets in their way.

use bus::{LockLost, Message};
use reqwest::Method;
use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn locks_are_shown_with_their_holder_and_ended_on_demand() {
    let world = World::start().await;
    let queue = world.stack.queue.clone();
    queue.enqueue(Message::new("{}").with_session("S")).unwrap();
    // Before the handler is ready nobody else takes it: it never is.
    let delivery = queue.receive().await;
    let told = world.get("/api/receivers").await;
    assert_eq!(told["lockCount"], 1, "{told}");
    let lock = &told["locks"][0];
    assert_eq!(
        (&lock["sequence"], &lock["by"]),
        (&json!(1), &json!("host"))
    );
    assert!(lock["since"].as_str() < lock["until"].as_str());
    assert_eq!(told["receivers"], json!([]));
    let held = &world.get("/api/messages/1").await["held"];
    assert_eq!(
        (&held["by"], &held["client"], &held["until"]),
        (&json!("host"), &Value::Null, &lock["until"])
    );
    let delete = |path: &'static str| world.ask(Method::DELETE, path, Value::Null);
    assert_eq!(delete("/api/locks/1").await.0, 202);
    assert_eq!(queue.complete(delivery.lock_token), Err(LockLost));
    assert_eq!(world.get("/api/messages/1").await["held"], Value::Null);
    assert_eq!(delete("/api/locks/1").await.0, 404);
    assert_eq!(delete("/api/receivers/7").await.0, 404);
    world.stack.stop().await;
}

#[tokio::test]
async fn a_session_is_refused_until_it_is_allowed_again() {
    let world = World::start().await;
    let wish = |body: Value| world.ask(Method::PUT, "/api/sessions", body);
    let (status, _) = wish(json!({ "session": "<b>", "refused": true })).await;
    assert_eq!(status, 202);
    assert_eq!(world.get("/api/receivers").await["refused"], json!(["<b>"]));
    wish(json!({ "session": "<b>", "refused": false })).await;
    assert_eq!(world.get("/api/receivers").await["refused"], json!([]));
    assert_eq!(
        wish(json!({ "session": "S", "expired": true })).await.0,
        404
    );
    let (status, answer) = wish(json!({ "session": "S", "lost": true })).await;
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("unknown field `lost`"),
        "{answer}"
    );
    world.stack.stop().await;
}

#[tokio::test]
async fn a_paused_queue_hands_nothing_out_and_a_wait_can_be_ended() {
    let world = World::start().await;
    let queue = world.stack.queue.clone();
    let pause = |paused: bool| world.ask(Method::PUT, "/api/queue", json!({ "paused": paused }));
    assert_eq!(pause(true).await.1, json!({ "paused": true }));
    let again = |path: &'static str| world.ask(Method::POST, path, Value::Null);
    let posted = json!({ "sessionId": "S", "body": "{\"id\":\"S\"}" });
    world.ask(Method::POST, "/api/messages", posted).await;
    assert!(queue.try_receive().is_none());
    assert_eq!(again("/api/messages/1/redeliver").await.0, 409, "it waits");
    assert_eq!(pause(false).await.1, json!({ "paused": false }));
    for delivery in 1..=10 {
        let handed_out = queue.try_receive().expect("it is handed out");
        assert_eq!(handed_out.delivery_count, delivery);
        let (status, answer) = again("/api/messages/1/redeliver").await;
        // The last one would make it a dead letter.
        assert_eq!(status, if delivery < 10 { 202 } else { 409 }, "{answer}");
    }
    assert_eq!(again("/api/messages/2/redeliver").await.0, 404);
    let (status, answer) = again("/api/messages/1/again").await;
    assert_eq!((status.as_u16(), answer), (201, json!({ "sequence": 2 })));
    let body = world
        .request(Method::GET, "/api/messages/2/body")
        .send()
        .await
        .unwrap();
    assert_eq!(
        body.headers()["content-disposition"],
        "attachment; filename=\"message-2.json\""
    );
    assert_eq!(body.text().await.unwrap(), "{\"id\":\"S\"}");
    world.stack.stop().await;
}
