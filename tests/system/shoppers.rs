//! A crowd driven by the load verb of the local stack, and its judge: each blob is the cart last
//! shown.
//!
//! In place of the function there is a loop that writes each message as it comes; or forgets some,
//! or opens again what was placed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
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

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breaks {
    Nothing,
    /// Every second message is forgotten.
    Forgets,
    /// An order that was placed is open again.
    Reopens,
    /// A third instance says that something waits, and the others do not.
    OneWaits,
}

/// Stores every message.
async fn reserve(queue: Queue, storage: BlobStorage, written: Written, breaks: Breaks) {
    loop {
        let delivery = queue.receive().await;
        let accepted = delivery.accepted;
        if breaks != Breaks::Forgets || accepted.sequence % 2 != 0 {
            let properties = accepted.message.properties;
            let metadata = [
                ("sequence", accepted.sequence.to_string()),
                ("enqueued", accepted.enqueued.format(&Rfc3339).unwrap()),
                ("messageid", properties.message_id.unwrap()),
            ];
            let mut bytes = accepted.message.body;
            if breaks == Breaks::Reopens {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let open = text.replace("\"complete\":true", "\"complete\":false");
                bytes = open.into_bytes().into();
            }
            let upload = Upload {
                bytes,
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

/// An instance that turns every click away, and says from the second time on that two shoppers'
/// orders wait.
fn one_that_waits() -> Router {
    let asked = Arc::new(AtomicU64::new(0));
    let health = move || {
        let waits = if asked.fetch_add(1, Ordering::Relaxed) == 0 {
            0
        } else {
            2
        };
        async move { Json(json!({"outbox": {"pending": waits}})) }
    };
    Router::new()
        .route("/health", get(health))
        .fallback(|| async { StatusCode::SERVICE_UNAVAILABLE })
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

async fn crowd(breaks: Breaks) -> Report {
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
    let mut parts = JoinSet::new();
    let mut urls = shops.each_ref().map(|shop| shop.url.clone()).to_vec();
    if breaks == Breaks::OneWaits {
        let third = listener().await;
        urls.push(format!("http://{}", third.local_addr().unwrap()));
        parts.spawn(async { axum::serve(third, one_that_waits()).await.unwrap() });
    }
    let written = Written::default();
    let api = listener().await;
    let addresses = Addresses {
        queue: Some(format!("http://{}/order-items", bus.address)),
        blobs: Some(blobs.url().to_owned()),
        dashboard: Some(format!("http://{}", api.local_addr().unwrap())),
        petstore: Some(urls.join(",")),
        connection: Some(bus.connection_string()),
        ..Addresses::default()
    };
    let places = Places::find("absent/stack.json".into(), addresses).unwrap();
    let router = dashboard(Arc::clone(&written));
    parts.spawn(async { axum::serve(api, router).await.unwrap() });
    parts.spawn(reserve(
        bus.queue.clone(),
        blobs.storage().clone(),
        written,
        breaks,
    ));
    let plan = Plan {
        pace: Pace::Rate(60.0),
        carts: 20,
        through_petstore: true,
        duration: match breaks {
            // Until some have placed an order.
            Breaks::Reopens => Duration::from_secs(6),
            _ => Duration::from_secs(2),
        },
        faults: Faults::default(),
        seed: 3,
        body_bytes: 0,
        settle: match breaks {
            // It never does.
            Breaks::OneWaits => Duration::from_secs(3),
            _ => Duration::from_secs(60),
        },
        out: None,
    };
    let report = run(&plan, &places, std::future::pending()).await.unwrap();
    parts.shutdown().await;
    println!("{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_shopper_of_a_crowd_was_shown_is_what_is_stored() {
    let report = crowd(Breaks::Nothing).await;
    assert!(report.kept, "{report}");
    let clicks = report.clicks.unwrap();
    assert!(clicks.confirmed > 20 && clicks.unsure == 0, "{report}");
    assert!(clicks.aborted + clicks.doubled > 0, "{report}");
    assert!(report.fates.stored >= 10, "{report}");
}

/// Whether the run was broken, and in this way.
async fn is_found(breaks: Breaks, way: impl Fn(&Violation) -> bool) {
    let report = crowd(breaks).await;
    assert!(!report.kept, "{breaks:?}: {report}");
    assert!(report.to_string().contains("BROKEN"), "{report}");
    assert!(report.violations.iter().any(way), "{breaks:?}: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_that_a_cart_was_forgotten() {
    is_found(Breaks::Forgets, |it| {
        matches!(it, Violation::NotTheCartShown { .. })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_that_a_placed_order_was_changed() {
    is_found(Breaks::Reopens, |it| {
        matches!(it, Violation::PlacedOrder { .. })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_hears_of_every_instance_what_waits() {
    is_found(Breaks::OneWaits, |it| {
        matches!(it, Violation::Pending { pending: 2 })
    })
    .await;
}
