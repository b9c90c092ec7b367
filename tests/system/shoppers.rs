//! A crowd driven by the load verb of the local stack, and its judge: each blob is the cart last
//! shown.
//!
//! In place of the function there is a loop that writes each message as it comes, or forgets some.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use blob::{Blob, BlobEndpoint, BlobStorage, Conditions, Upload};
use bus::Queue;
use load::evidence::sha256;
use load::judge::Violation;
use load::places::{Addresses, Places};
use load::{Faults, Pace, Plan, Report, run};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::shop::{Bus, Shop};

type Written = Arc<Mutex<Vec<Value>>>;

/// Stores every message whose number is not a multiple of `forgets`.
async fn reserve(queue: Queue, storage: BlobStorage, written: Written, forgets: u64) {
    loop {
        let delivery = queue.receive().await;
        let accepted = delivery.accepted;
        if accepted.sequence % forgets != 0 {
            let properties = accepted.message.properties;
            let metadata = [
                ("sequence", accepted.sequence.to_string()),
                ("enqueued", accepted.enqueued.format(&Rfc3339).unwrap()),
                ("messageid", properties.message_id.unwrap()),
            ];
            let upload = Upload {
                bytes: accepted.message.body,
                metadata: metadata
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
                content_type: "application/json".to_owned(),
            };
            let name = format!("{}.json", properties.session_id.unwrap());
            let blob = storage
                .put("orders", &name, upload, &Conditions::default())
                .unwrap();
            written.lock().unwrap().push(entry(&name, &blob));
        }
        queue.complete(delivery.lock_token).unwrap();
    }
}

fn entry(name: &str, blob: &Blob) -> Value {
    json!({
        "container": "orders", "name": name, "etag": blob.etag, "length": blob.bytes.len(),
        "at": blob.last_modified.format(&Rfc3339).unwrap(),
        "sha256": sha256(&blob.bytes), "metadata": blob.metadata,
    })
}

async fn history(State(written): State<Written>, RawQuery(query): RawQuery) -> Json<Vec<Value>> {
    let skip = query
        .unwrap()
        .strip_prefix("after=")
        .unwrap()
        .parse()
        .unwrap();
    Json(written.lock().unwrap().iter().skip(skip).cloned().collect())
}

/// The part of the dashboard's API that tells what was written.
fn dashboard(written: Written) -> Router {
    let nothing = || async { Json(json!([])) };
    Router::new()
        .route("/api/faults", get(|| async { Json(json!({})) }))
        .route("/api/state", get(|| async { Json(json!({})) }))
        .route("/api/blobs/history", get(history))
        .route("/api/handed-over", get(nothing))
        .route("/api/messages", get(nothing))
        .route("/api/dead-letters", get(nothing))
        .with_state(written)
}

async fn crowd(forgets: u64) -> Report {
    let bus = Bus::open().await;
    let listener = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let blobs = BlobEndpoint::start(listener().await).unwrap();
    blobs.storage().create_container("orders").unwrap();
    // Two instances over one store: each click may go to either.
    let storage = blobs.connection_string();
    let shops = [
        Shop::start(&bus, &storage).await,
        Shop::start(&bus, &storage).await,
    ];
    let written = Written::default();
    let api = listener().await;
    let addresses = Addresses {
        queue: Some(format!("http://{}/order-items", bus.address)),
        blobs: Some(blobs.url().to_owned()),
        dashboard: Some(format!("http://{}", api.local_addr().unwrap())),
        petstore: Some(format!("{},{}", shops[0].url, shops[1].url)),
        connection: Some(bus.connection_string()),
        ..Addresses::default()
    };
    let places = Places::find("absent/stack.json".into(), addresses).unwrap();
    let mut parts = JoinSet::new();
    let router = dashboard(Arc::clone(&written));
    parts.spawn(async { axum::serve(api, router).await.unwrap() });
    parts.spawn(reserve(
        bus.queue.clone(),
        blobs.storage().clone(),
        written,
        forgets,
    ));
    let plan = Plan {
        pace: Pace::Rate(60.0),
        carts: 20,
        through_petstore: true,
        duration: Duration::from_secs(2),
        faults: Faults::default(),
        seed: 3,
        body_bytes: 0,
        settle: Duration::from_secs(60),
        out: None,
    };
    let report = run(&plan, &places, std::future::pending()).await.unwrap();
    parts.shutdown().await;
    println!("{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_shopper_of_a_crowd_was_shown_is_what_is_stored() {
    let report = crowd(u64::MAX).await;
    assert!(report.kept, "{report}");
    let clicks = report.clicks.unwrap();
    assert!(clicks.confirmed > 20 && clicks.unsure == 0, "{report}");
    assert!(clicks.aborted + clicks.doubled > 0, "{report}");
    assert!(report.fates.stored >= 10, "{report}");
}

/// The negative control: every second message is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_that_a_cart_was_forgotten() {
    let report = crowd(2).await;
    assert!(!report.kept);
    let lost = |violation: &Violation| matches!(violation, Violation::NotTheCartShown { .. });
    assert!(report.violations.iter().any(lost), "{report}");
}
