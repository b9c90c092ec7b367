//! The fault switches.

use std::collections::BTreeMap;

use blob::{Conditions, Upload};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stand_in::Fault;
use tokio::sync::watch;

use super::World;
use super::events::event;

/// These, and nothing else is wrong.
fn standing(faults: &Value) -> Value {
    let mut all =
        json!({ "storage": "none", "shopStorage": "none", "bus": "none", "logicApp": "none" });
    for (part, fault) in faults.as_object().unwrap() {
        all[part] = fault.clone();
    }
    all
}

/// The storage of the orders and the shop's are behind one port, the bus behind another: each has a
/// switch that leaves the others alone.
#[tokio::test]
async fn the_shops_storage_and_the_bus_break_apart_from_the_rest() {
    let world = World::start().await;
    let shop = world.stack.shop_storage.clone().unwrap();
    // With a signature that is wrong: only who signs meets the shop's faults.
    let read_cart = || {
        let request = world.client.get(format!("{}/carts/a", shop.url()));
        request
            .header("authorization", "SharedKey petstore:eA==")
            .send()
    };
    let send = || {
        let url = format!(
            "{}/{}/messages",
            world.stack.door.url(),
            world.stack.queue.name()
        );
        world.client.post(url).body("{}").send()
    };
    assert_eq!(read_cart().await.unwrap().status(), 403);

    let (_, set) = world.set_faults(json!({ "storage": "refuses" })).await;
    assert_eq!(set, standing(&json!({ "storage": "refuses" })));
    assert!(world.upload().await.is_err());
    assert_eq!(read_cart().await.unwrap().status(), 403, "the shop is open");

    let broken = json!({ "storage": "none", "shopStorage": "refuses", "bus": "503" });
    let (_, set) = world.set_faults(broken.clone()).await;
    assert_eq!(set, standing(&broken));
    assert!(read_cart().await.is_err());
    assert_eq!(
        world.upload().await.unwrap().status(),
        401,
        "orders are taken"
    );
    let bare = world.client.get(format!("{}?comp=list", shop.url()));
    assert_eq!(
        bare.send().await.unwrap().status(),
        200,
        "who only looks sees it"
    );
    assert_eq!(send().await.unwrap().status(), 503);
    world.set_faults(standing(&json!({}))).await;
    assert_eq!(send().await.unwrap().status(), 201);
    world.stack.stop().await;
}

/// What the shop writes is no order, and no upload of one.
#[tokio::test]
async fn what_the_shop_keeps_is_in_no_list_of_orders() {
    let world = World::start().await;
    let shop = world.stack.shop_storage.clone().unwrap();
    shop.storage().create_container("carts").unwrap();
    let upload = Upload {
        bytes: "{}".into(),
        metadata: BTreeMap::new(),
        content_type: "application/json".to_owned(),
    };
    let written = shop
        .storage()
        .put("carts", "a", upload, &Conditions::default());
    written.unwrap();
    let url = format!("{}/carts/a", shop.url());
    world.client.put(url).body("{}").send().await.unwrap();
    assert_eq!(world.upload().await.unwrap().status(), 401);
    let failed = async || world.get("/api/state").await["totals"]["uploadsFailed"].clone();
    while failed().await == 0 {}
    assert_eq!(
        failed().await,
        1,
        "of the two uploads that were refused, the order's"
    );
    assert_eq!(world.get("/api/pages/blobs").await["matching"], 0);
    assert_eq!(world.get("/api/blobs/history").await, json!([]));
    world.stack.stop().await;
}

#[tokio::test]
async fn the_fault_switches_break_and_heal_their_parts() {
    let world = World::start().await;
    let none = standing(&json!({}));
    assert_eq!(world.get("/api/faults").await, none);

    let busy = world.set_faults(json!({ "storage": "503" })).await;
    assert_eq!(busy.1, standing(&json!({ "storage": "503" })));
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
    let broken = standing(&json!({ "storage": "forbids", "logicApp": "down" }));
    assert_eq!(world.get("/api/faults").await, broken);
    assert_eq!(world.get("/api/state").await["faults"], broken);
    while event(&mut stream, &mut rest).await.1["faults"] != broken {}
    storage.set(Fault::None);
    logic_app.set(Fault::None);
    let none = standing(&json!({}));
    assert_eq!(world.get("/api/faults").await, none);
    while event(&mut stream, &mut rest).await.1["faults"] != none {}
    world.stack.stop().await;
}

#[tokio::test]
async fn a_shop_is_killed_by_its_number_and_only_one_that_runs() {
    let world = World::start().await;
    let kill = async |number: &str| {
        let url = format!("{}/api/shops/{number}/kill", world.stack.dashboard.url());
        world.client.post(url).send().await.unwrap()
    };
    let answer = kill("1").await;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().contains("one of the 0"));
    let shops = [watch::Sender::new(0), watch::Sender::new(0)];
    shops
        .iter()
        .for_each(|shop| world.stack.dashboard.add_shop(shop.clone()));
    assert_eq!(kill("2").await.status(), 202);
    assert_eq!(shops.map(|kills| *kills.borrow()), [0, 1]);
    assert_eq!(kill("0").await.status(), 404);
    assert_eq!(kill("3").await.status(), 404);
    world.stack.stop().await;
}
