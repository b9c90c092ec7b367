//! One span and one JSON line per invocation.
//!
//! The host judges a line by where it comes from: standard output is information, standard error
//! a warning or an error. Never in it: the body, an e-mail address, a token, a signature.

use std::{fmt::Display, io, panic, time::Duration};

use tracing::{Level, Span, error, info, info_span, warn};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::writer::MakeWriterExt as _,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    order::Delivery,
    reserve::{Outcome, Reservation, Settlement},
};

/// The SDK tells of its requests itself, failed ones with an error that may quote a signed URL.
const SDK: [&str; 4] = [
    "azure_core",
    "azure_identity",
    "azure_storage_blob",
    "typespec_client_core",
];

/// Sends every line of the process to where the host expects it; panics too.
pub fn init(filter: Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(io::stderr.with_max_level(Level::WARN).or_else(io::stdout));
    let quiet = SDK.map(|target| (target, LevelFilter::WARN));
    tracing_subscriber::registry()
        .with(filter.with_targets(quiet))
        .with(lines)
        .init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        error!(
            place,
            "panic: {}",
            info.payload_as_str().unwrap_or("no message")
        );
    }));
}

/// What happens within one invocation carries its id.
#[must_use]
pub fn invocation_span(invocation_id: &str) -> Span {
    info_span!("invocation", invocation_id)
}

/// The line of an invocation that came to its end.
pub fn reserved(
    invocation_id: &str,
    delivery: &Delivery,
    reservation: &Reservation,
    took: Duration,
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
                trace_id = delivery.trace_id(),
                reason = reservation.reason.as_ref().map(ToString::to_string),
                error,
                "order {}",
                $outcome
            )
        };
    }
    match &reservation.settlement {
        Settlement::Complete(Outcome::Stored) => line!(info, "stored"),
        Settlement::Complete(Outcome::Superseded) => line!(info, "superseded"),
        Settlement::Complete(Outcome::HandedOver) => line!(warn, "handed over"),
        Settlement::Abandon(_) => line!(error, "abandoned"),
    }
}

/// The line of a request that was no invocation of ours.
pub fn refused(invocation_id: &str, session: Option<&str>, error: &impl Display) {
    error!(invocation_id, session, outcome = "refused", %error, "invocation refused");
}
