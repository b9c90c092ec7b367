//! After a restart: the dashboard shows what the parts have, and what came before this run.

use blob::{Conditions, Upload};
use bus::Message;
use host::app::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Hosting, Keep, Ports, Stack, StackOptions, Storage};
use testkit::fixture::AppFolder;
use testkit::net::client;
use testkit::workflow::{post, vector};

use super::World;
use crate::stack::mail::app_with_workflow;

async fn world(app: AppFolder) -> World {
    let folder = app.path().join(".local");
    let options = StackOptions {
        hosting: Hosting::Embedded,
        root: app.path().to_owned(),
        ports: Ports::Auto,
        overrides: Settings::new(),
        keep: Keep::InFolder(folder),
        storage: Storage::Embedded,
    };
    World {
        stack: Stack::start_with(options).await.unwrap(),
        client: client(),
        _app: app,
    }
}

/// As a function would upload the order of message `sequence`.
fn upload(world: &World, name: &str, sequence: u64) {
    let storage = world.stack.blob.as_ref().unwrap().storage();
    storage.create_container("orders").ok();
    let upload = Upload {
        bytes: format!("{{\"n\":{sequence}}}").into(),
        metadata: [("sequence".to_owned(), sequence.to_string())].into(),
        ..Upload::default()
    };
    let put = storage.put("orders", name, upload, &Conditions::default());
    put.unwrap();
}

#[tokio::test]
async fn what_the_parts_have_is_shown_after_a_restart_and_nothing_is_counted_twice() {
    let first = world(app_with_workflow()).await;
    first
        .stack
        .queue
        .enqueue(Message::new("{\"products\":[]}").with_session("S"))
        .unwrap();
    let request = vector()["request"].clone();
    let blob_name = request["failure"]["blobName"].as_str().unwrap().to_owned();
    let mailed = request["failure"]["sequenceNumber"].as_u64().unwrap();
    upload(&first, &blob_name, mailed - 1);
    let url = first.stack.logic_app.as_ref().unwrap().url();
    assert_eq!(post(&url, &request).await.0, 202);
    let World { stack, _app, .. } = first;
    stack.stop().await;

    let again = world(_app).await;
    let state = again.get("/api/state").await;
    assert_eq!(state["totals"]["found"], 1, "{state}");
    assert_eq!(state["totals"]["accepted"], 0);
    assert_eq!(state["mails"], json!({ "last": 1, "count": 1 }));
    let waiting = &state["messages"][0];
    assert_eq!(
        (&waiting["sequence"], &waiting["stage"]),
        (&json!(1), &json!("waiting"))
    );
    let started = state["started"].as_str().unwrap();
    assert!(waiting["enqueuedTime"].as_str().unwrap() < started);
    let blobs = again.get("/api/pages/blobs").await;
    let blob = &blobs["items"][0];
    assert_eq!(blobs["matching"], 1, "{blobs}");
    assert_eq!(
        (&blob["versions"], &blob["sequence"]),
        (&json!(1), &json!(mailed - 1))
    );
    assert!(blob["at"].as_str().unwrap() < started);
    // A person got the newer order instead.
    assert_eq!(blob["newerMail"]["sequence"], mailed);
    assert_eq!(blob["newerMail"]["mail"], 1);
    let mails = again.get("/api/pages/mails").await;
    assert_eq!(mails["items"][0]["number"], 1);
    let html = again.request(Method::GET, "/api/mails/1/html").send().await;
    assert!(html.unwrap().text().await.unwrap().contains("<h1>"));

    // What comes now is compared with what was there.
    upload(&again, &blob_name, mailed + 1);
    let path = format!("/api/blobs/orders/{blob_name}");
    let versions = again.get(&path).await;
    let numbers: Vec<&Value> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| &version["metadata"]["sequence"])
        .collect();
    assert_eq!(
        numbers,
        [
            &json!((mailed - 1).to_string()),
            &json!((mailed + 1).to_string())
        ]
    );
    assert_eq!(versions["newerMail"], Value::Null);
    assert_eq!(
        again
            .get("/api/blobs/history")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    again.stack.stop().await;
}
