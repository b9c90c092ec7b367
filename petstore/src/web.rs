//! The storefront's HTTP side.

mod actions;
mod guard;
mod problem;
mod traced;
mod views;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use azure_app::trace;
use azure_app::trace::TraceContext;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio::time::timeout;

use crate::bus::Bus;
use crate::carts::{Carts, ClickError, Clicked, SystemClock};
use crate::cookie::Transport;
use crate::outbox::Outbox;
use crate::pages::{ICON, SCRIPT, STYLE};
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
        // The task is not within our span, which ends with the answer, but the message is of it.
        let here = trace::current();
        let placed = match &operation {
            Operation::Place { session, .. } => Some(session.clone()),
            Operation::Step { .. } => None,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "outlives the request, and is waited for"
        )]
        let task = tokio::spawn(at(here, async move {
            let room = shop.outbox.has_room();
            let mut clicked = shop.carts.click(&name, &operation, room).await;
            if let Ok(Some(handover)) = clicked.as_mut().map(|clicked| clicked.handover.take()) {
                shop.outbox.hand_over(handover);
            }
            drop(under_way);
            clicked
        }));
        let clicked = match timeout(CLICK_LIMIT, task).await {
            Ok(Ok(clicked)) => clicked,
            _ => Err(ClickError::Ended),
        };
        traced::clicked(placed.as_ref(), &clicked);
        clicked
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

/// Does `work` at a place in a trace, if there is one.
async fn at<F: Future>(place: Option<TraceContext>, work: F) -> F::Output {
    match place {
        Some(place) => place.within(work).await,
        None => work.await,
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
    let routes = Router::new()
        .route("/", get(views::home))
        .route("/breeds/{animal}", get(views::breeds))
        .route("/products", get(views::products))
        .route("/products/{id}", get(views::product))
        .route("/cart", get(views::cart).post(actions::change))
        .route("/cart/complete", post(actions::place))
        .route("/order", get(views::order))
        .route("/health", get(health))
        .route("/assets/style.css", asset("text/css; charset=utf-8", STYLE))
        .route(
            "/assets/cart.js",
            asset("text/javascript; charset=utf-8", SCRIPT),
        )
        .route("/favicon.svg", asset("image/svg+xml", ICON))
        .fallback(views::not_found)
        .method_not_allowed_fallback(views::method_not_allowed)
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .layer(map_response(harden));
    let routes = match trace::is_exported() {
        true => routes.layer(from_fn_with_state(Arc::clone(&shop), traced::clicks)),
        false => routes,
    };
    routes.with_state(shop)
}

/// Style sheet, script and icon: compiled in. Pages ask for them with a mark of their content, so
/// what a browser keeps never goes stale.
fn asset(kind: &'static str, content: &'static str) -> MethodRouter<Arc<Shop>> {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    get(async move || (headers, content))
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

/// Healthy also while the bus or the store is down: a restart would not bring them back.
async fn health(State(shop): State<Arc<Shop>>) -> Json<Value> {
    let waiting = shop.outbox.status();
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "outbox": {
            "pending": waiting.pending,
            "oldestAgeSeconds": waiting.oldest.as_secs(),
            // What the bus refuses until a person changes something.
            "refused": waiting.refused,
        },
        "store": {
            "problem": waiting.store_problem,
            "unreadableRecords": waiting.unreadable,
        },
    }))
}
