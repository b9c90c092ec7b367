//! What is told of messages and blobs.

use blob::{Conditions, Upload};
use reqwest::Method;
use serde_json::{Value, json};

use super::{LIMIT, World};

#[tokio::test]
async fn a_message_posted_is_in_the_queue_and_in_the_picture() {
    let world = World::start().await;
    let sent = json!({ "sessionId": "S", "messageId": "m", "body": "{\"products\":[]}" });
    let (status, answer) = world.ask(Method::POST, "/api/messages", sent.clone()).await;
    assert_eq!((status.as_u16(), answer), (201, json!({ "sequence": 1 })));
    let again = world.ask(Method::POST, "/api/messages", sent).await;
    assert_eq!(again.1, json!({ "duplicate": true }));
    let waiting = world.get("/api/messages").await;
    assert_eq!(waiting[0]["sessionId"], "S");
    assert_eq!(waiting[0]["deliveryCount"], 0);
    let shown = async {
        loop {
            let (status, message) = world.ask(Method::GET, "/api/messages/1", Value::Null).await;
            if status == 200 {
                return message;
            }
        }
    };
    let message = tokio::time::timeout(LIMIT, shown).await.unwrap();
    assert_eq!(
        (&message["stage"], &message["contents"]),
        (&json!("waiting"), &json!("empty cart"))
    );
    let (status, answer) = world
        .ask(Method::POST, "/api/messages", json!({ "sessionId": "S" }))
        .await;
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("missing field `body`"),
        "{answer}"
    );
    world.stack.stop().await;
}

#[tokio::test]
async fn the_history_tells_every_write_in_order() {
    let world = World::start().await;
    let storage = world.stack.blob.as_ref().unwrap().storage().clone();
    storage.create_container("orders").unwrap();
    for (name, bytes) in [("b.json", "1"), ("a.json", "2"), ("b.json", "3")] {
        let upload = Upload {
            bytes: bytes.into(),
            metadata: [("sequence".to_owned(), bytes.to_owned())].into(),
            ..Upload::default()
        };
        storage
            .put("orders", name, upload, &Conditions::default())
            .unwrap();
    }
    let all = world.get("/api/blobs/history").await;
    let names: Vec<&Value> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|write| &write["name"])
        .collect();
    assert_eq!(names, ["b.json", "a.json", "b.json"]);
    let sha256_of_1 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
    assert_eq!(all[0]["sha256"], sha256_of_1);
    assert_eq!(all[2]["metadata"]["sequence"], "3");
    let later = world.get("/api/blobs/history?after=2").await;
    assert_eq!(later, json!([all[2]]));
    let list = world.get("/api/pages/blobs").await;
    assert_eq!(list["matching"], 2);
    assert_eq!(
        (&list["items"][0]["name"], &list["items"][0]["versions"]),
        (&json!("b.json"), &json!(2))
    );
    let versions = world.get("/api/blobs/orders/b.json").await;
    assert_eq!(versions["versions"][1]["body"]["data"], "3");
    for (version, status, text) in [
        ("1", 200, "1"),
        ("2", 200, "3"),
        ("0", 404, "version 0 of that blob is not remembered"),
        ("3", 404, "version 3 of that blob is not remembered"),
        ("x", 400, "Cannot parse"),
    ] {
        let path = format!("/api/blobs/orders/b.json/{version}");
        let answer = world.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let body = answer.text().await.unwrap();
        assert!(body.contains(text), "{path}: {body}");
    }
    world.stack.stop().await;
}
