//! The dashboard's API and its fences, over HTTP. The page itself is tested in Chromium, by the
//! root package, which has the real handler.
#![cfg(unix)]

use std::time::Duration;

use devstack::app::Settings;
use devstack::blob::{Conditions, Upload};
use devstack::queue::Message;
use devstack::stack::{Ports, Stack};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::fixture::AppFolder;
use crate::net::client;
use crate::stack::app_with_handler;

/// A safety net, never an expectation.
const LIMIT: Duration = Duration::from_secs(60);

struct World {
    stack: Stack,
    client: reqwest::Client,
    _app: AppFolder,
}

impl World {
    /// The handler ends at once: messages stay in the queue.
    async fn start() -> Self {
        let app = app_with_handler("exit 0");
        let stack = Stack::start(app.path(), Ports::Auto, Settings::new()).await;
        Self {
            stack: stack.unwrap(),
            client: client(),
            _app: app,
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.stack.dashboard.url());
        self.client.request(method, url)
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.request(method, path);
        let request = match body {
            Value::Null => request,
            body => request
                .header("content-type", "application/json")
                .body(body.to_string()),
        };
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    async fn set_faults(&self, wish: Value) -> (StatusCode, Value) {
        self.ask(Method::PUT, "/api/faults", wish).await
    }

    /// An upload without a signature: refused as such when nothing is broken.
    async fn upload(&self) -> Result<Response, reqwest::Error> {
        let url = format!("{}/orders/a.json", self.stack.blob.as_ref().unwrap().url());
        self.client.put(url).body("{}").send().await
    }
}

#[tokio::test]
async fn the_fault_switches_break_and_heal_their_parts() {
    let world = World::start().await;
    let none = json!({ "storage": "none", "logicApp": "none" });
    assert_eq!(world.get("/api/faults").await, none);

    let busy = world.set_faults(json!({ "storage": "503" })).await;
    assert_eq!(busy.1, json!({ "storage": "503", "logicApp": "none" }));
    assert_eq!(world.upload().await.unwrap().status(), 503);
    world.set_faults(json!({ "storage": "429" })).await;
    let busy = world.upload().await.unwrap();
    assert_eq!(
        (busy.status().as_u16(), &busy.headers()["retry-after"]),
        (429, &"2".parse().unwrap())
    );
    for lost in ["refuses", "applies-but-loses-the-reply"] {
        world.set_faults(json!({ "storage": lost })).await;
        assert!(world.upload().await.is_err(), "{lost}");
    }
    world
        .set_faults(json!({ "storage": "refuses", "logicApp": "down" }))
        .await;
    let url = world.stack.logic_app.as_ref().unwrap().url();
    assert!(world.client.post(url).send().await.is_err());
    assert!(world.get("/api/state").await["refused"]["logicApp"].as_u64() > Some(0));

    assert_eq!(world.set_faults(none.clone()).await, (StatusCode::OK, none));
    let answer = world.upload().await.unwrap();
    assert_eq!(answer.status(), 401, "only the signature is missing");
    world.stack.stop().await;
}

#[tokio::test]
async fn an_unknown_fault_is_refused_by_name_and_changes_nothing() {
    let world = World::start().await;
    let wish = json!({ "logicApp": "502", "storage": "lost" });
    let (status, answer) = world.set_faults(wish).await;
    assert_eq!(status, 400);
    let error = answer["error"].as_str().unwrap();
    for name in [
        "storage",
        "lost",
        "none",
        "refuses",
        "503",
        "429",
        "slow",
        "hangs",
        "applies-but-loses-the-reply",
        "forbids",
        "flaky",
    ] {
        assert!(error.contains(name), "{name}: {error}");
    }
    assert_eq!(world.get("/api/faults").await["logicApp"], "none");
    let (status, answer) = world.set_faults(json!({ "queue": "none" })).await;
    assert_eq!(status, 400);
    assert!(
        answer["error"].as_str().unwrap().contains("`queue`"),
        "{answer}"
    );
    world.stack.stop().await;
}

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
async fn other_sites_and_foreign_names_are_turned_away_before_anything_happens() {
    let world = World::start().await;
    let body = r#"{"body":"x"}"#;
    for (name, value) in [
        ("host", "rebound.example:5310"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://example.org"),
        ("content-type", "text/plain"),
    ] {
        let request = world
            .request(Method::POST, "/api/messages")
            .header(name, value);
        let response = request.body(body).send().await.unwrap();
        assert!(
            matches!(response.status().as_u16(), 403 | 415),
            "{name}: {value}"
        );
    }
    for read in [
        "/",
        "/script/main.js",
        "/api/state",
        "/api/events",
        "/api/faults",
        "/api/messages",
        "/api/messages/1",
        "/api/dead-letters",
        "/api/blobs",
        "/api/blobs/history",
        "/api/mails",
        "/api/handed-over",
        "/api/nothing",
    ] {
        let rebound = world
            .request(Method::GET, read)
            .header("host", "rebound.example");
        assert_eq!(rebound.send().await.unwrap().status(), 403, "{read}");
    }
    assert_eq!(world.stack.queue.counts().active, 0);
    world.stack.stop().await;
}

#[tokio::test]
async fn the_page_is_small_and_its_policy_lets_only_its_own_script_run() {
    let world = World::start().await;
    let mut weight = 0;
    let scripts = ["main", "messages", "lists", "dialog", "dom"];
    let scripts = scripts.map(|name| format!("/script/{name}.js"));
    let others = ["/", "/style.css", "/favicon.svg"].map(str::to_owned);
    for path in others.iter().chain(&scripts) {
        let response = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        if path == "/" {
            let policy = response.headers()["content-security-policy"]
                .to_str()
                .unwrap();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
        }
        weight += response.bytes().await.unwrap().len();
    }
    assert!(weight < 60_000, "{weight} bytes");
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
    let list = world.get("/api/blobs").await;
    assert_eq!(
        (&list[0]["name"], &list[0]["versions"]),
        (&json!("b.json"), &json!(2))
    );
    let versions = world.get("/api/blobs/orders/b.json").await;
    assert_eq!(versions["versions"][1]["body"]["data"], "3");
    world.stack.stop().await;
}

/// The next event of a stream: its name and its data.
async fn event(response: &mut Response, rest: &mut String) -> (String, Value) {
    let whole = async {
        loop {
            if let Some((event, after)) = rest.clone().split_once("\n\n") {
                *rest = after.to_owned();
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                if let Some(name) = field("event: ") {
                    let data = field("data: ").unwrap_or_default();
                    return (name, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = response.chunk().await.unwrap().expect("the stream goes on");
            rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(LIMIT, whole).await.expect("an event")
}

#[tokio::test]
async fn under_load_a_page_gets_few_and_small_events_and_every_count() {
    const MANY: u64 = 5_000;
    let world = World::start().await;
    let mut stream = world
        .request(Method::GET, "/api/events")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut rest = String::new();
    assert_eq!(
        event(&mut stream, &mut rest).await.0,
        "resync",
        "a page without a past takes a snapshot"
    );
    for number in 0..MANY {
        let cart = format!(r#"{{"products":[{{"id":1,"name":"Ball","quantity":{number}}}]}}"#);
        world
            .stack
            .queue
            .enqueue(Message::new(cart).with_session(format!("S{number}")))
            .expect("taken");
        if number % 500 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut ticks = 0;
    loop {
        let (name, tick) = event(&mut stream, &mut rest).await;
        assert_eq!(name, "tick");
        ticks += 1;
        assert!(tick["messages"].as_array().unwrap().len() <= 100);
        if tick["totals"]["accepted"] == MANY {
            break;
        }
    }
    assert!(ticks < MANY / 10, "{ticks} events");
    let state = world.get("/api/state").await;
    assert_eq!(state["counts"]["active"], MANY);
    assert_eq!(state["messages"].as_array().unwrap().len(), 100);
    assert_eq!(state["messages"][0]["sequence"], MANY, "the newest first");
    world.stack.stop().await;
}

#[tokio::test]
async fn every_address_on_the_page_answers_who_only_looks() {
    let world = World::start().await;
    world.stack.dashboard.add_link("petstore", "http://shop");
    let state = world.get("/api/state").await;
    let links = state["links"].as_array().unwrap();
    assert_eq!(links[0]["name"], "petstore", "the shop comes first");
    for link in &links[1..] {
        let (name, url) = (&link["name"], link["url"].as_str().unwrap());
        // This test's handler is not there.
        if name != "handler" {
            let answer = world.client.get(url).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{name}: {url}");
        }
    }
    world.stack.stop().await;
}

#[tokio::test]
async fn the_dashboard_stands_first_among_the_addresses_and_needs_no_port_of_its_own() {
    let (first, second) = (World::start().await, World::start().await);
    let addresses = first.stack.addresses();
    assert_eq!(
        addresses[0],
        ("dashboard".to_owned(), first.stack.dashboard.url())
    );
    assert_ne!(first.stack.dashboard.url(), second.stack.dashboard.url());
    first.stack.stop().await;
    second.stack.stop().await;
}
