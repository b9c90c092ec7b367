//! The stream of changes.

use bus::Message;
use reqwest::{Method, Response};
use serde_json::Value;

use super::{LIMIT, World};

/// The next event of a stream: its name and its data.
pub(super) async fn event(response: &mut Response, rest: &mut String) -> (String, Value) {
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
