//! The fault switches.

use reqwest::{Method, StatusCode};
use serde_json::json;
use stand_in::Fault;

use super::World;
use super::events::event;

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

/// A chaos run, and a test, turn the switches themselves.
#[tokio::test]
async fn a_fault_that_another_hand_has_set_is_shown_and_told_to_the_page() {
    let world = World::start().await;
    let mut stream = world
        .request(Method::GET, "/api/events")
        .send()
        .await
        .unwrap();
    let mut rest = String::new();
    let storage = world.stack.blob.as_ref().unwrap().faults();
    let logic_app = world.stack.logic_app.as_ref().unwrap().faults();
    storage.set(Fault::FORBID_ALL);
    logic_app.refuse_connections();
    let broken = json!({ "storage": "forbids", "logicApp": "down" });
    assert_eq!(world.get("/api/faults").await, broken);
    assert_eq!(world.get("/api/state").await["faults"], broken);
    while event(&mut stream, &mut rest).await.1["faults"] != broken {}
    storage.set(Fault::None);
    logic_app.set(Fault::None);
    let none = json!({ "storage": "none", "logicApp": "none" });
    assert_eq!(world.get("/api/faults").await, none);
    while event(&mut stream, &mut rest).await.1["faults"] != none {}
    world.stack.stop().await;
}
