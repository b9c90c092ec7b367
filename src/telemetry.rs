//! One span per invocation, and one record: here as a line, or with the answer. Never in it: the
//! body, an e-mail address, a token, a signature.
//!
//! An order that was simply stored, or that a newer one of its batch came before, needs no line: the
//! host shows what the answer says of it ([`crate::invocation::reply`]) with the invocation, where
//! it costs the least, and only when somebody wants that much detail. What a person looks for later is a line on the stream that
//! arrives at its level, and names its invocation.

pub mod span;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use azure_app::trace::TraceContext;
use tracing::{Level, Span, debug, enabled, error, info, info_span, warn};

use crate::order::Delivery;
use crate::reserve::{Outcome, Reservation, Settlement};

/// What happens within one invocation carries its id, and its trace where that is one.
#[must_use]
pub fn invocation_span(invocation_id: &str, trace: Option<TraceContext>) -> Span {
    let trace_id = trace.map(|trace| trace.trace_id().to_string());
    info_span!("invocation", invocation_id, trace_id)
}

/// The line of a delivery that came to its end; where all went as it mostly does it is for who looks
/// for errors in this program.
pub fn reserved(
    invocation_id: &str,
    delivery: &Delivery,
    reservation: &Reservation,
    took: Duration,
) {
    let routine = reservation.is_routine();
    if !routine || enabled!(Level::DEBUG) {
        line(invocation_id, delivery, reservation, took, routine);
    }
}

/// The same once more where a batch is given back: its answer has no records then, and what of it
/// was stored would have none, however often it comes again and wherever it ends.
pub fn given_back_with_others(
    invocation_id: &str,
    delivery: &Delivery,
    reservation: &Reservation,
    took: Duration,
) {
    if reservation.is_routine() && !enabled!(Level::DEBUG) {
        line(invocation_id, delivery, reservation, took, false);
    }
}

fn line(
    invocation_id: &str,
    delivery: &Delivery,
    reservation: &Reservation,
    took: Duration,
    routine: bool,
) {
    let session = match &reservation.order {
        Some(order) => Some(order.session.as_str()),
        None => delivery.session_id.as_deref(),
    };
    let blob_name = reservation
        .order
        .as_ref()
        .map(|order| order.session.blob_name());
    let error = match &reservation.settlement {
        Settlement::Complete(_) => None,
        Settlement::Abandon(error) => Some(error.to_string()),
    };
    macro_rules! line {
        ($level:ident, $outcome:literal) => {
            $level!(
                invocation_id,
                session,
                message_id = delivery.message_id.as_deref(),
                sequence_number = delivery.sequence_number.map(|number| number.0),
                delivery_count = delivery.delivery_count,
                outcome = $outcome,
                attempts = reservation.attempts,
                blob_name = blob_name.as_ref().map(|name| name.as_str()),
                duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3,
                trace_id = delivery.trace.map(|trace| display(trace.trace_id())),
                reason = reservation.reason.as_ref().map(ToString::to_string),
                error,
                "order {}",
                $outcome
            )
        };
    }
    match &reservation.settlement {
        Settlement::Complete(Outcome::Stored) if routine => line!(debug, "stored"),
        Settlement::Complete(Outcome::Stored) => line!(info, "stored"),
        Settlement::Complete(Outcome::Superseded) if routine => line!(debug, "superseded"),
        Settlement::Complete(Outcome::Superseded) => line!(info, "superseded"),
        Settlement::Complete(Outcome::HandedOver) => line!(warn, "handed over"),
        Settlement::Abandon(_) => line!(error, "abandoned"),
    }
}

/// Says once in the life of a process what a partitioned queue wants.
pub fn partitioned(delivery: &Delivery) {
    static SAID: AtomicBool = AtomicBool::new(false);
    let Some(number) = delivery.sequence_number else {
        return;
    };
    let has_session = delivery
        .session_id
        .as_ref()
        .is_some_and(|id| !id.is_empty());
    if number.partition() == 0 || has_session || SAID.swap(true, Ordering::Relaxed) {
        return;
    }
    warn!(
        sequence_number = number.0,
        partition = number.partition(),
        "the queue is partitioned and this message has no SessionId: the partitions number apart, \
         and of two carts of a session that they accept within seconds only a person can tell the \
         newer; expected the session's id as SessionId (or PartitionKey) of each of its messages"
    );
}

/// The line of a request that was no invocation of ours.
pub fn refused(
    invocation_id: &str,
    trace: Option<TraceContext>,
    session: Option<&str>,
    error: &impl Display,
) {
    span::refused(invocation_id, trace, error);
    error!(invocation_id, session, outcome = "refused", %error, "invocation refused");
}
