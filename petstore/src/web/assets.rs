//! Style sheet, script and icon: compiled in, kept by browsers until they change.

use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) const STYLE: &str = "/assets/style.css";
pub(super) const SCRIPT: &str = "/assets/cart.js";
pub(super) const ICON: &str = "/favicon.svg";

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", crate::pages::STYLE)
}

pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", crate::pages::SCRIPT)
}

pub(super) async fn icon() -> Response {
    asset("image/svg+xml", crate::pages::ICON)
}

/// Pages ask for them with a mark of their content, so they never go stale.
fn asset(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, content).into_response()
}
