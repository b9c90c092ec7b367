//! The storefront's HTTP side.

mod actions;
mod assets;
mod guard;
mod views;

use std::io;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::cookie::{Key, Transport};
use crate::outbox::Outbox;

/// More than any form of ours.
const FORM_MAX: usize = 16 * 1024;

/// Only what this server sends itself: no inline script or style, no frame, no other host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the pages need.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Seals visits.
    pub key: Key,
    /// How the cookie travels.
    pub transport: Transport,
    /// Takes the changes.
    pub outbox: Outbox,
}

/// Serves shoppers on `listener` until `end`, and lets what is under way finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    shop: Shop,
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
pub fn router(shop: Shop) -> Router {
    Router::new()
        .route("/", get(views::home))
        .route("/breeds/{animal}", get(views::breeds))
        .route("/products", get(views::products))
        .route("/products/{id}", get(views::product))
        .route("/cart", get(views::cart).post(actions::change))
        .route("/cart/complete", post(actions::complete))
        .route("/order", get(views::order))
        .route("/health", get(health))
        .route(assets::STYLE, get(assets::style))
        .route(assets::SCRIPT, get(assets::script))
        .route(assets::ICON, get(assets::icon))
        .fallback(views::not_found)
        .method_not_allowed_fallback(views::method_not_allowed)
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .layer(map_response(harden))
        .with_state(Arc::new(shop))
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
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    pending: usize,
    oldest_age_seconds: u64,
}

/// Healthy also while the bus is down: a restart would not bring it back.
async fn health(State(shop): State<Arc<Shop>>) -> (StatusCode, Json<Health>) {
    let waiting = shop.outbox.status();
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        outbox: Pending {
            pending: waiting.pending,
            oldest_age_seconds: waiting.oldest.as_secs(),
        },
    };
    (StatusCode::OK, Json(health))
}
