//! A dashboard that forgets, and what is seen of it all the same.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::access::Access;
use crate::target::{Addresses, Places};

type Told = Arc<Mutex<Vec<Value>>>;

async fn history(State(told): State<Told>, RawQuery(query): RawQuery) -> Json<Vec<Value>> {
    let query = query.expect("a query");
    let skip = query
        .strip_prefix("after=")
        .expect("after")
        .parse()
        .expect("a number");
    Json(
        told.lock()
            .expect("told")
            .iter()
            .skip(skip)
            .cloned()
            .collect(),
    )
}

/// A dashboard that tells what `told` has, as long as the set lives.
async fn scripted(told: Told) -> (Dashboard, JoinSet<()>) {
    let router = Router::new()
        .route("/api/blobs/history", get(history))
        .route("/api/handed-over", get(|| async { Json(json!([])) }))
        .with_state(told);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut serving = JoinSet::new();
    serving.spawn(async { axum::serve(listener, router).await.expect("served") });
    let addresses = Addresses {
        queue: Some("http://q".to_owned()),
        blobs: Some("http://b".to_owned()),
        dashboard: Some(url),
        ..Addresses::default()
    };
    let places = Places::find(PathBuf::from("absent"), addresses).expect("found");
    let access = Access::to(&places).expect("a client");
    (access.dashboard, serving)
}

fn write(number: u32) -> Value {
    json!({"container": "orders", "name": "S.json", "etag": number.to_string(), "length": 0,
        "at": "2026-05-04T09:30:10Z", "sha256": "", "metadata": {}})
}

#[tokio::test]
async fn writes_are_seen_once_and_a_new_life_of_the_stack_is_noticed() {
    let told = Told::default();
    let tell = |numbers: &[u32]| {
        *told.lock().expect("told") = numbers.iter().copied().map(write).collect();
    };
    let (dashboard, _serving) = scripted(Arc::clone(&told)).await;
    tell(&[1, 2]);
    let mut seen = Seen::from_now_on(&dashboard).await.expect("seen");
    tell(&[1, 2, 3]);
    assert_eq!(seen.look(&dashboard).await.expect("a look"), 1);
    assert_eq!(seen.look(&dashboard).await.expect("a look"), 0);
    assert_eq!(seen.restarts, 0);

    // Killed; as many writes again, and then more than before.
    tell(&[4, 5, 6]);
    assert_eq!(seen.look(&dashboard).await.expect("a look"), 3);
    tell(&[7, 8, 9, 10, 11]);
    assert_eq!(seen.look(&dashboard).await.expect("a look"), 5);
    assert_eq!(seen.restarts, 2);
    let etags: Vec<&str> = seen
        .writes
        .iter()
        .map(|write| write.etag.as_str())
        .collect();
    assert_eq!(etags, ["3", "4", "5", "6", "7", "8", "9", "10", "11"]);
}
