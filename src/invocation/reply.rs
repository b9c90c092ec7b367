//! What the host is answered.

use serde::Serialize;

use crate::reserve::{Outcome, Reservation, Settlement};

/// A custom handler's answer. A 2xx must carry a JSON object: the host waits for its own time-out
/// on an empty or `null` one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reply {
    outputs: Outputs,
    /// Shown by the host with the invocation, on success only.
    logs: [String; 1],
    return_value: (),
}

#[derive(Debug, Serialize)]
struct Outputs {}

/// The answer that completes the message; `None` when it has to be given back.
#[must_use]
pub fn reply(reservation: &Reservation) -> Option<Reply> {
    let outcome = match &reservation.settlement {
        Settlement::Complete(outcome) => *outcome,
        Settlement::Abandon(_) => return None,
    };
    let blob = reservation
        .order
        .as_ref()
        .map(|order| order.session.blob_name());
    let blob = blob.map_or_else(|| "an unreadable order".to_owned(), |name| name.to_string());
    let ended = match outcome {
        Outcome::Stored => "stored",
        Outcome::Superseded => "superseded by a newer order",
        Outcome::HandedOver => "handed over to a person",
    };
    Some(Reply {
        outputs: Outputs {},
        logs: [format!(
            "{blob} {ended}, upload attempts: {}",
            reservation.attempts
        )],
        return_value: (),
    })
}
