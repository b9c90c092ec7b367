//! The line for a delivery: whose message, and what became of it.

use std::time::Duration;

use host::{Delivered, DeliveryOutcome};

use crate::commands::text::word;

pub(super) fn line(delivered: &Delivered) -> String {
    let Delivered {
        sequence,
        session,
        delivery_count,
        outcome,
        took,
        ..
    } = delivered;
    let what = match outcome {
        DeliveryOutcome::Completed { status, logs } if logs.is_empty() => {
            format!("completed ({status})")
        }
        DeliveryOutcome::Completed { logs, .. } => logs.join("; "),
        DeliveryOutcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}), delivery {} follows", delivery_count + 1)
        }
        DeliveryOutcome::Abandoned { why, last: true } => {
            format!("abandoned ({why}), for the last time")
        }
        DeliveryOutcome::LockLost => {
            "lock lost: what the handler did settles nothing, the message comes again".to_owned()
        }
    };
    format!(
        "#{sequence}  {}  delivery {delivery_count}  {what}  {}",
        short(session.as_deref()),
        readable(*took)
    )
}

/// Enough of a session id to tell it from its neighbours.
pub(super) fn short(session: Option<&str>) -> String {
    let Some(session) = session else {
        return "(no session)".to_owned();
    };
    let characters: Vec<char> = session.chars().collect();
    let shown = match characters.as_slice() {
        [a, b, c, d, middle @ .., w, x, y, z] if middle.len() > 4 => {
            format!("{a}{b}{c}{d}…{w}{x}{y}{z}")
        }
        _ => session.to_owned(),
    };
    word(&shown)
}

pub(super) fn readable(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use host::InvocationFailure;

    use super::*;

    fn line(delivery_count: u32, session: Option<&str>, outcome: DeliveryOutcome) -> String {
        let delivered = Delivered {
            sequence: 12,
            message_id: None,
            session: session.map(str::to_owned),
            delivery_count,
            outcome,
            took: Duration::from_micros(4_200),
        };
        super::line(&delivered)
    }

    #[test]
    fn a_delivery_is_one_line() {
        let stored = DeliveryOutcome::Completed {
            status: 200,
            logs: vec!["E7.json stored".to_owned()],
        };
        assert_eq!(
            line(1, Some("E7DBA502A3B795953DDE76EA965EBBF3"), stored),
            "#12  E7DB…BBF3  delivery 1  E7.json stored  4 ms"
        );
        let failed = DeliveryOutcome::Abandoned {
            why: InvocationFailure::Status(500),
            last: false,
        };
        assert_eq!(
            line(1, Some("S"), failed),
            "#12  S  delivery 1  abandoned (500), delivery 2 follows  4 ms"
        );
        let last = DeliveryOutcome::Abandoned {
            why: InvocationFailure::FunctionTimeout,
            last: true,
        };
        assert_eq!(
            line(10, None, last),
            "#12  (no session)  delivery 10  abandoned (no answer within functionTimeout), for the last time  4 ms"
        );
    }
}
