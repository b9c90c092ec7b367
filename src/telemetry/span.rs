//! What the Functions host hands over, as spans, where these are exported.
//!
//! A message is one span, of the kind `process`, right below whoever made it, and with a link to the
//! host's span of the same trace: what the host records may go elsewhere, or nowhere, and a span
//! below it would then hang in the air. Also, it is who made the message that decides whether its
//! trace is recorded: the host calls every trace recorded that it continues.
//!
//! Of a batch the messaging conventions of OpenTelemetry want one span with a link to each message,
//! since a span has one parent; alone it would break all those traces in two. So there is that one,
//! in the host's trace, and for each message its own span as ever, with a link to the batch.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::{Mutex, OnceLock, PoisonError};

use azure_app::trace::{Span, SpanKind, TraceContext, is_exported};

use crate::order::Delivery;
use crate::reserve::{GivenBack, Outcome, Reservation, Settlement};

/// The queue that the host takes messages from, which no request names.
static QUEUE: OnceLock<String> = OnceLock::new();

/// Names the queue, for the spans of the process. The first name stays.
pub fn of_queue(queue: String) {
    QUEUE.set(queue).ok();
}

fn process(parent: Option<TraceContext>, links: &[TraceContext]) -> Option<Span> {
    let name = || match QUEUE.get() {
        Some(queue) => Cow::Owned(format!("process {queue}")),
        None => Cow::Borrowed("process"),
    };
    let mut span = Span::linked(SpanKind::Consumer, name, parent, links)?;
    span.set("messaging.system", "servicebus");
    span.set("messaging.operation.name", "process");
    span.set("messaging.operation.type", "process");
    span.set_some("messaging.destination.name", QUEUE.get().cloned());
    Some(span)
}

/// Begins the span of one message below `parent`, or below its own maker when that is of the same
/// trace, and puts the message into it. `None`, and nothing has changed, where no spans are exported.
pub(crate) fn of_message(
    invocation_id: &str,
    delivery: &mut Delivery,
    parent: Option<TraceContext>,
    batch: Option<TraceContext>,
) -> Option<Span> {
    if !is_exported() {
        return None;
    }
    let own = delivery.trace;
    let id = TraceContext::trace_id;
    let (above, beside) = match own.map(id) == parent.map(id) {
        true => (own, parent),
        false => (parent, own),
    };
    let beside = beside.filter(|it| Some(*it) != above);
    let links: Vec<_> = beside.into_iter().chain(batch).collect();
    let mut span = process(above, &links)?;
    span.set("faas.invocation_id", invocation_id.to_owned());
    span.set_some("messaging.message.id", delivery.message_id.clone());
    let length = i64::try_from(delivery.body.len()).unwrap_or(i64::MAX);
    span.set("messaging.message.body.size", length);
    let deliveries = delivery.delivery_count.map(i64::from);
    span.set_some("messaging.servicebus.message.delivery_count", deliveries);
    let number = delivery.sequence_number.map(|number| number.0);
    let number = number.and_then(|number| i64::try_from(number).ok());
    span.set_some("messaging.servicebus.message.sequence_number", number);
    delivery.trace = Some(span.context());
    Some(span)
}

/// Begins the span of a batch, with a link to each message of it. The host records none of its own
/// that it began for a batch, and that is no word about traces which others record: for those the
/// batch begins one.
pub(crate) fn of_batch(
    invocation_id: &str,
    deliveries: &[Delivery],
    trace: Option<TraceContext>,
) -> Option<Span> {
    if !is_exported() {
        return None;
    }
    let links: Vec<_> = deliveries.iter().filter_map(|it| it.trace).collect();
    let is_recorded = links.iter().any(|it| it.is_sampled());
    let above = trace.filter(|it| it.is_sampled() || !is_recorded);
    let mut span = process(above, &links)?;
    span.set("faas.invocation_id", invocation_id.to_owned());
    let messages = i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
    span.set("messaging.batch.message_count", messages);
    Some(span)
}

/// The span of what is no invocation of ours.
pub(super) fn refused(invocation_id: &str, trace: Option<TraceContext>, error: &impl Display) {
    if let Some(mut span) = process(trace, &[]) {
        span.set("faas.invocation_id", invocation_id.to_owned());
        span.failed("refused", error.to_string());
    }
}

/// The spans of a batch's messages, until each of them is done.
#[derive(Debug)]
pub(crate) struct OfBatch(Mutex<Vec<Span>>);

impl OfBatch {
    pub(crate) fn new(spans: Vec<Span>) -> Self {
        Self(Mutex::new(spans))
    }

    /// Ends the span of one.
    pub(crate) fn end(&self, delivery: &Delivery, reservation: &Reservation) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = |span: &Span| Some(span.context()) == delivery.trace;
        if let Some(at) = open.iter().position(of_it) {
            end(Some(open.swap_remove(at)), reservation);
        }
    }
}

/// Ends the span of a message.
pub(crate) fn end(span: Option<Span>, reservation: &Reservation) {
    let Some(mut span) = span else {
        return;
    };
    let session = reservation.order.as_ref().map(|order| &order.session);
    span.set_some("session.id", session.map(|it| it.as_str().to_owned()));
    span.set("order.attempts", i64::from(reservation.attempts));
    let outcome = match &reservation.settlement {
        Settlement::Complete(Outcome::Stored) => "stored",
        Settlement::Complete(Outcome::Superseded) => "superseded",
        Settlement::Complete(Outcome::HandedOver) => "handed over",
        Settlement::Abandon(error) => {
            let kind = match error {
                GivenBack::Fallback(_) => "nobody_took_it",
                GivenBack::OutOfTime => "out_of_time",
                GivenBack::NewerOpen => "newer_open",
            };
            span.failed(kind, error.to_string());
            "abandoned"
        }
    };
    span.set("order.outcome", outcome);
    span.done();
}

/// Ends the span of a batch, of which so many messages have to come again.
pub(crate) fn end_batch(span: Option<Span>, given_back: usize) {
    let Some(mut span) = span else {
        return;
    };
    match given_back {
        0 => span.done(),
        some => span.failed("given_back", format!("{some} messages have to come again")),
    }
}
