//! The storefront's HTTP side.

mod actions;
mod assets;
mod guard;
mod views;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio::time::timeout;

use crate::bus::Bus;
use crate::carts::{Carts, ClickError, Clicked, SystemClock};
use crate::cookie::Transport;
use crate::outbox::Outbox;
use crate::record::Operation;
use crate::store::RecordName;
use crate::store::azure::AzureCarts;

/// More than any form of ours.
const FORM_MAX: usize = 16 * 1024;

/// How long a shopper waits for a click; it goes on behind the answer.
const CLICK_LIMIT: Duration = Duration::from_secs(10);

/// Only what this server sends itself: no inline script or style, no frame, no other host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the pages need.
#[derive(Debug)]
pub struct Shop {
    carts: Arc<Carts<AzureCarts, SystemClock>>,
    outbox: Outbox<AzureCarts, SystemClock, Bus>,
    transport: Transport,
    /// Read by every click under way.
    clicks: Arc<RwLock<()>>,
}

impl Shop {
    /// A shop that keeps its carts in `carts` and leaves the sending to `outbox`.
    #[must_use]
    pub fn new(
        carts: Arc<Carts<AzureCarts, SystemClock>>,
        outbox: Outbox<AzureCarts, SystemClock, Bus>,
        transport: Transport,
    ) -> Self {
        Self {
            carts,
            outbox,
            transport,
            clicks: Arc::default(),
        }
    }

    /// Takes a click to its end, also when the shopper's connection ends before: a change that is
    /// in the store has to be handed over by somebody.
    async fn click(
        self: &Arc<Self>,
        name: RecordName,
        operation: Operation,
    ) -> Result<Clicked, ClickError> {
        let under_way = Arc::clone(&self.clicks).read_owned().await;
        let shop = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "outlives the request, and is waited for"
        )]
        let task = tokio::spawn(async move {
            let room = shop.outbox.has_room();
            let mut clicked = shop.carts.click(&name, &operation, room).await;
            if let Ok(Some(handover)) = clicked.as_mut().map(|clicked| clicked.handover.take()) {
                shop.outbox.hand_over(handover);
            }
            drop(under_way);
            clicked
        });
        match timeout(CLICK_LIMIT, task).await {
            Ok(Ok(clicked)) => clicked,
            _ => Err(ClickError::Ended),
        }
    }

    /// Waits for the clicks under way, and then until nothing waits for the bus; so long at most.
    /// What still waits, which is told, is in the store.
    pub async fn finish(&self, limit: Duration) -> usize {
        let nothing_waits = async {
            drop(self.clicks.write().await);
            while self.outbox.status().pending > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(limit, nothing_waits).await.ok();
        self.outbox.status().pending
    }
}

/// Serves shoppers on `listener` until `end`, and lets what is under way finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    shop: Arc<Shop>,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Best effort: without it answers are late, not wrong.
        connection.set_nodelay(true).ok();
    });
    axum::serve(listener, router(shop))
        .with_graceful_shutdown(end)
        .await
}

/// All routes.
pub fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(views::home))
        .route("/breeds/{animal}", get(views::breeds))
        .route("/products", get(views::products))
        .route("/products/{id}", get(views::product))
        .route("/cart", get(views::cart).post(actions::change))
        .route("/cart/complete", post(actions::place))
        .route("/order", get(views::order))
        .route("/health", get(health))
        .route(assets::STYLE, get(assets::style))
        .route(assets::SCRIPT, get(assets::script))
        .route(assets::ICON, get(assets::icon))
        .fallback(views::not_found)
        .method_not_allowed_fallback(views::method_not_allowed)
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .layer(map_response(harden))
        .with_state(shop)
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page shows one shopper's cart; what may be kept says so itself.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    outbox: Pending,
    store: Store,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    pending: usize,
    oldest_age_seconds: u64,
    /// What the bus refuses until a person changes something.
    refused: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    problem: Option<String>,
    unreadable_records: usize,
}

/// Healthy also while the bus or the store is down: a restart would not bring them back.
async fn health(State(shop): State<Arc<Shop>>) -> (StatusCode, Json<Health>) {
    let waiting = shop.outbox.status();
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        outbox: Pending {
            pending: waiting.pending,
            oldest_age_seconds: waiting.oldest.as_secs(),
            refused: waiting.refused,
        },
        store: Store {
            problem: waiting.store_problem,
            unreadable_records: waiting.unreadable,
        },
    };
    (StatusCode::OK, Json(health))
}
