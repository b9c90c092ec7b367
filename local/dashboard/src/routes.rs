//! Which address leads where.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};

use super::request::problem;
use super::state::DashboardState;
use super::{
    assets, blobs, events, faults, guard, handler, log, mails, messages, pages, queue, receivers,
    shops, snapshot,
};

/// The largest request, in bytes: a message of 256 KB as a JSON string.
const REQUEST_MAX: usize = 2 * 1024 * 1024;

/// The page and its API, behind the guard.
pub(super) fn router(state: Arc<DashboardState>) -> Router {
    let api = Router::new()
        .route("/state", get(snapshot::whole))
        .route("/events", get(events::events))
        .route("/faults", get(faults::get).put(faults::put))
        .route("/handler/kill", post(handler::kill))
        .route(
            "/handler/kill-during-upload",
            post(handler::arm).delete(handler::disarm),
        )
        .route("/shops/{number}/kill", post(shops::kill))
        .route("/messages", get(messages::list).post(messages::send))
        .route("/messages/{sequence}", get(messages::one))
        .route("/dead-letters", get(messages::dead_letters))
        .route("/dead-letters/redrive", post(messages::redrive))
        .route("/messages/{sequence}/body", get(messages::body))
        .route("/messages/{sequence}/again", post(messages::again))
        .route("/messages/{sequence}/redeliver", post(queue::redeliver))
        .route("/queue", put(queue::put))
        .route("/receivers", get(receivers::list))
        .route("/receivers/{id}", delete(receivers::cut))
        .route("/locks/{sequence}", delete(receivers::expire))
        .route("/sessions", put(receivers::put_session))
        .route("/log", get(log::tail))
        .route("/pages/messages", get(pages::messages))
        .route("/pages/dead-letters", get(pages::dead_letters))
        .route("/pages/mails", get(pages::mails))
        .route("/pages/blobs", get(pages::blobs))
        .route("/blobs/history", get(blobs::history))
        .route("/blobs/{container}/{name}", get(blobs::versions))
        .route("/blobs/{container}/{name}/{version}", get(blobs::content))
        .route("/mails", get(mails::list))
        .route("/mails/{number}", get(mails::one).delete(mails::delete))
        .route("/mails/{number}/html", get(mails::html))
        .route("/mails/{number}/eml", get(mails::eml))
        .route(
            "/mails/{number}/attachments/{index}",
            get(mails::attachment),
        )
        .route("/handed-over", get(mails::handed_over))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is no such address") });
    Router::new()
        .route("/", get(assets::page))
        .route("/style.css", get(assets::style))
        .route("/script/{name}", get(assets::script))
        .route("/favicon.svg", get(assets::icon))
        .nest("/api", api)
        .layer(middleware::from_fn(guard::guard))
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(state)
}
