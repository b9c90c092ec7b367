//! A click as a span, where spans are exported: the message that it leads to continues its trace.
//!
//! A click begins a trace, whatever the request says of one: anybody can reach the shop, and would
//! choose what is recorded.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use azure_app::trace;
use azure_app::trace::{Span, SpanKind};

use super::Shop;
use crate::carts::{ClickError, Clicked};
use crate::cookie::Transport;
use crate::session::SessionId;

/// Where clicks go.
const ROUTES: [&str; 2] = ["/cart", "/cart/complete"];

/// Puts each click into a span.
pub(super) async fn clicks(
    State(shop): State<Arc<Shop>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let route = ROUTES.into_iter().find(|route| *route == path);
    let route = route.filter(|_| request.method() == Method::POST);
    let span = route.and_then(|route| {
        let name = || format!("POST {route}").into();
        let mut span = Span::begin(SpanKind::Server, name, None)?;
        span.set("http.request.method", "POST");
        span.set("http.route", route);
        span.set("url.path", route);
        let scheme = match shop.transport {
            Transport::Secure => "https",
            Transport::Plain { .. } => "http",
        };
        span.set("url.scheme", scheme);
        Some(span)
    });
    let answered = async {
        let response = next.run(request).await;
        trace::note(|span| {
            let status = response.status();
            span.set("http.response.status_code", i64::from(status.as_u16()));
            match status.is_server_error() {
                true => span.failed(status.as_str().to_owned(), "the click is not done"),
                false => span.done(),
            }
        });
        response
    };
    trace::within(span, answered).await
}

/// Notes what became of the click, at the span that it is in. `placed` is whose order it was to
/// place: the next session is open after that.
pub(super) fn clicked(placed: Option<&SessionId>, clicked: &Result<Clicked, ClickError>) {
    if let Ok(Clicked { done, record, .. }) = clicked {
        let session = placed.unwrap_or(&record.session);
        trace::note(|span| {
            span.set("session.id", session.as_str().to_owned());
            span.set("cart.change", format!("{done:?}"));
        });
    }
}
