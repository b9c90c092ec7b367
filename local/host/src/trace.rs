//! The trace that an invocation belongs to, by W3C Trace Context: `00-<trace>-<span>-<flags>`.

use bus::Delivery;
use uuid::Uuid;

/// In which the clients of Service Bus put the sender's trace.
const DIAGNOSTIC_ID: &str = "Diagnostic-Id";

/// The `traceparent` of an invocation with this message: the sender's trace goes on under a span of
/// its own; where the message has none, or one that is none, another begins, which nobody records.
pub(super) fn traceparent(delivery: Option<&Delivery>) -> String {
    let sent = delivery.map(|delivery| &delivery.accepted.message.properties.application);
    // Sent over REST it is the name of a header, which has lost its case in the local queue.
    let sent = sent.and_then(|properties| {
        let mut properties = properties.iter();
        properties.find(|(name, _)| name.eq_ignore_ascii_case(DIAGNOSTIC_ID))
    });
    let span = short_id();
    match sent
        .and_then(|(_, value)| value.as_str())
        .and_then(trace_of)
    {
        Some(trace) => format!("00-{trace}-{span}-01"),
        None => format!("00-{}-{span}-00", Uuid::new_v4().simple()),
    }
}

/// The trace's id, when the text is a `traceparent` of version 00.
fn trace_of(text: &str) -> Option<&str> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let whole = version == "00" && parts.next().is_none();
    let ids = is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2);
    (whole && ids).then_some(trace)
}

/// Not all zeros.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.contains(|c| c != '0')
}

/// In lower case.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn short_id() -> String {
    Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .skip(16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_told_from_what_is_none() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let sent = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(trace_of(&sent), Some(trace));
        for text in [
            "",
            "00",
            &sent.to_uppercase(),
            &sent.replacen("00-", "ff-", 1),
            &format!("{sent}-x"),
            &sent.replace(trace, &"0".repeat(32)),
            &sent.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &sent.replace("00f067aa0ba902b7", "00f067aa0ba902b"),
            "|4bf92f3577b34da6a3ce929d0e0e4736.1.",
        ] {
            assert_eq!(trace_of(text), None, "{text}");
        }
    }
}
