//! The custom handler's HTTP side: the host's requests in, its answers out.
//!
//! The reservation runs detached from the connection that asked for it, and the reply only
//! reports: a host that gives up waiting must not stop an upload half-way. A panic ends its own
//! invocation and no other.

mod body;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use azure_app::trace::{Span, TraceContext};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use crate::fallback::Fallback;
use crate::invocation::{Invocation, reply, reply_to_all};
use crate::order::Delivery;
use crate::reserve::{Reservation, Reserver, redelivery_wait};
use crate::store::OrderStore;
use crate::telemetry::span;
use crate::{invocation, telemetry};
use body::Unreadable;
pub use body::{BATCH_REQUEST_MAX, REQUEST_MAX};

/// The function's route: the name of the folder with its `function.json`.
pub const ROUTE: &str = "/OrderItemsReserver";

/// Serves the host on `listener`, for ever.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve<S, F>(listener: TcpListener, reserver: Arc<Reserver<S, F>>) -> io::Result<()>
where
    S: OrderStore,
    F: Fallback,
{
    let listener = listener.tap_io(|connection| {
        // Best effort: without it answers are late, not wrong.
        connection.set_nodelay(true).ok();
    });
    axum::serve(listener, router(reserver)).await
}

/// `GET /` for the host's readiness probe, `POST` [`ROUTE`], and for the rest an error in JSON.
pub fn router<S: OrderStore, F: Fallback>(reserver: Arc<Reserver<S, F>>) -> Router {
    Router::new()
        .route("/", get(ready))
        .route(ROUTE, post(invoke::<S, F>))
        .fallback(async || {
            error_answer(
                StatusCode::NOT_FOUND,
                format!("no such function; expected POST {ROUTE}"),
            )
        })
        .method_not_allowed_fallback(async || {
            error_answer(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("no such method here; expected POST {ROUTE}"),
            )
        })
        .with_state(reserver)
}

#[derive(Serialize)]
struct Ready {
    name: &'static str,
    version: &'static str,
}

/// The readiness probe: any answer will do, so it is a telling one.
async fn ready() -> Json<Ready> {
    Json(Ready {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn invoke<S: OrderStore, F: Fallback>(
    State(reserver): State<Arc<Reserver<S, F>>>,
    request: Request,
) -> Response {
    let received = Instant::now();
    let (Parts { headers, .. }, body) = request.into_parts();
    let id = headers.get("x-azure-functions-invocationid");
    let id = id
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let trace = trace_of(&headers);
    let request = match body::read(body).await {
        Ok(request) => request,
        Err(unreadable) => return refuse_unreadable(&id, trace, &unreadable),
    };
    let invocation = match invocation::parse(&request) {
        Ok(invocation) => invocation,
        Err(error) => {
            telemetry::refused(&id, trace, None, &error);
            return error_answer(StatusCode::BAD_REQUEST, error.to_string());
        }
    };
    drop(request); // of a batch it is as long as all of its messages
    match invocation {
        Invocation::One(mut delivery) => {
            // The host continues the message's own trace, and names its span. One that it began is
            // of use only where the message has none: it knows of fewer places for it than we do.
            let continued = trace.filter(|trace| trace.is_sampled());
            let parent = continued.or(delivery.trace).or(trace);
            let span = span::of_message(&id, &mut delivery, parent, None);
            if span.is_none() {
                delivery.trace = parent.map(TraceContext::next);
            }
            telemetry::partitioned(&delivery);
            let wait = redelivery_wait(&delivery);
            detached(
                Box::pin(one(reserver, delivery, id, received, span)),
                wait,
                None,
            )
            .await
        }
        Invocation::Many(mut deliveries) => {
            // The request has one trace, of the batch; each message may have one of its own.
            let batch = span::of_batch(&id, &deliveries, trace);
            let context = batch.as_ref().map(Span::context);
            let mut spans = Vec::new();
            for delivery in &mut deliveries {
                let parent = delivery.trace.or(context).or(trace);
                match span::of_message(&id, delivery, parent, context) {
                    Some(span) => spans.push(span),
                    None => delivery.trace = parent.map(TraceContext::next),
                }
            }
            deliveries.iter().for_each(telemetry::partitioned);
            let wait = deliveries.iter().map(redelivery_wait).max();
            let end = Instant::now() + reserver.batch.time;
            let trace = context.or(trace);
            let reservations = many(reserver, deliveries, id, trace, received, batch, spans);
            detached(Box::pin(reservations), wait.unwrap_or_default(), Some(end)).await
        }
    }
}

async fn one<S: OrderStore, F: Fallback>(
    reserver: Arc<Reserver<S, F>>,
    delivery: Delivery,
    id: String,
    received: Instant,
    exported: Option<Span>,
) -> Response {
    let span = telemetry::invocation_span(&id, delivery.trace);
    let reservation = reserver.reserve(&delivery).instrument(span).await;
    telemetry::reserved(&id, &delivery, &reservation, received.elapsed());
    span::end(exported, &reservation);
    match reply(&reservation) {
        Some(reply) => Json(reply).into_response(),
        None => error_answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            "neither storage nor fallback took the order",
        ),
    }
}

async fn many<S: OrderStore, F: Fallback>(
    reserver: Arc<Reserver<S, F>>,
    deliveries: Vec<Delivery>,
    id: String,
    trace: Option<TraceContext>,
    received: Instant,
    batch: Option<Span>,
    spans: Vec<Span>,
) -> Response {
    let spans = span::OfBatch::new(spans);
    let ended = |delivery: &Delivery, reservation: &Reservation| {
        telemetry::reserved(&id, delivery, reservation, received.elapsed());
        spans.end(delivery, reservation);
    };
    let span = telemetry::invocation_span(&id, trace);
    let reservations = reserver.reserve_all(&deliveries, ended);
    let reservations = reservations.instrument(span).await;
    let given_back = reservations.iter().filter(|one| one.is_given_back());
    let given_back = given_back.count();
    span::end_batch(batch, given_back);
    if let Some(reply) = reply_to_all(&reservations) {
        return Json(reply).into_response();
    }
    for (delivery, reservation) in deliveries.iter().zip(&reservations) {
        telemetry::given_back_with_others(&id, delivery, reservation, received.elapsed());
    }
    let error = format!(
        "neither storage nor fallback took {given_back} of {} orders, so the whole batch is given back",
        reservations.len()
    );
    error_answer(StatusCode::INTERNAL_SERVER_ERROR, error)
}

/// The trace that the host names: with Application Insights it does, without it never. More than
/// one header names none.
fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut named = headers.get_all("traceparent").iter();
    let (trace, None) = (named.next()?, named.next()) else {
        return None;
    };
    TraceContext::parse(trace.to_str().ok()?)
}

/// Runs a reservation to its end, whatever becomes of the connection that asked for it. It comes
/// boxed: a future is moved often until it runs, and this one is large. After a panic it waits, but
/// not beyond the `end` of a batch, whose locks nobody renews.
async fn detached<R>(reservation: Pin<Box<R>>, wait: Duration, end: Option<Instant>) -> Response
where
    R: Future<Output = Response> + Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place: detached from its connection"
    )]
    let detached = tokio::spawn(reservation);
    match detached.await {
        Ok(response) => response,
        Err(_) => {
            // As for every message given back: a panic must not burn its deliveries at once.
            let until = Instant::now() + wait;
            sleep_until(end.map_or(until, |end| end.min(until))).await;
            error_answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the invocation panicked; see the log",
            )
        }
    }
}

fn refuse_unreadable(id: &str, trace: Option<TraceContext>, unreadable: &Unreadable) -> Response {
    let (status, session) = match unreadable {
        Unreadable::TooLarge { session } => (StatusCode::PAYLOAD_TOO_LARGE, session.as_deref()),
        Unreadable::BatchTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
        Unreadable::TooSlow => (StatusCode::REQUEST_TIMEOUT, None),
        Unreadable::Broken(_) => (StatusCode::BAD_REQUEST, None),
    };
    telemetry::refused(id, trace, session, unreadable);
    error_answer(status, unreadable.to_string())
}

#[derive(Serialize)]
struct ErrorAnswer {
    error: String,
}

/// Anything but a 2xx: the host gives the message back to the broker.
fn error_answer(status: StatusCode, error: impl Into<String>) -> Response {
    (
        status,
        Json(ErrorAnswer {
            error: error.into(),
        }),
    )
        .into_response()
}
