//! Which trace a piece of work belongs to: W3C Trace Context, level 2.
//!
//! The publisher of a message names a trace, the Functions host continues it, and each of our
//! requests carries it on, so that one id leads from a click to the blob, or to the mail. Where
//! spans are exported ([`crate::export`]), the ids that go out are those of [`Span`]s.

mod span;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;

use futures_util::future::Either;
pub use opentelemetry::trace::SpanKind;

pub(crate) use span::export_through;
pub use span::{Span, is_exported};

/// A position in a trace: what the header `traceparent` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
}

/// `sampled` and `random`: what else is set is not known, and not passed on (§3.2.2.5).
const KNOWN_FLAGS: u8 = 0b11;

/// Where a piece of work is.
struct Place {
    context: TraceContext,
    /// The span that it is all of.
    span: Option<RefCell<Span>>,
}

tokio::task_local! {
    static CURRENT: Place;
}

impl TraceContext {
    /// Reads `<version>-<trace id>-<parent id>-<flags>` (§3.2.2). `None` for anything that the
    /// specification has a receiver pass over: upper case, other lengths, ids of zeros, version
    /// `ff`. A version to come may go on behind another `-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, '-');
        let version = hex(fields.next()?, 2)?;
        let context = Self {
            trace: hex(fields.next()?, 32)?,
            span: hex(fields.next()?, 16)?.try_into().ok()?,
            flags: hex(fields.next()?, 2)?.try_into().ok()?,
        };
        let is_known = match version {
            0 => fields.next().is_none(),
            0xff => false,
            _ => true,
        };
        (is_known && context.trace != 0 && context.span != 0).then_some(Self {
            flags: context.flags & KNOWN_FLAGS,
            ..context
        })
    }

    /// Whether its sender records it. The Functions host says no of a trace that it began itself,
    /// since the message had none that it knew.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// The same trace, at a span of its own.
    #[must_use]
    pub fn next(self) -> Self {
        Self {
            span: fastrand::u64(1..),
            ..self
        }
    }

    /// The id of the trace, in 32 digits, once it is shown.
    #[must_use]
    pub fn trace_id(self) -> TraceId {
        TraceId(self.trace)
    }

    /// Does `work` at this position: [`current`] tells it there.
    pub fn within<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let place = Place {
            context: self,
            span: None,
        };
        CURRENT.scope(place, work)
    }
}

impl Span {
    /// Does `work` at this span, which ends with it; [`note`] reaches it there.
    pub fn within<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let place = Place {
            context: self.context(),
            span: Some(RefCell::new(self)),
        };
        CURRENT.scope(place, work)
    }
}

/// Does `work` at `span`, if there is one.
pub fn within<F: Future>(span: Option<Span>, work: F) -> impl Future<Output = F::Output> {
    match span {
        Some(span) => Either::Left(span.within(work)),
        None => Either::Right(work),
    }
}

/// Where the work that asks is, if that is known.
#[must_use]
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|place| place.context).ok()
}

/// Writes something down at the span that the work which asks is in, if it is in one.
pub fn note(write: impl FnOnce(&mut Span)) {
    let noted = CURRENT.try_with(|place| {
        if let Some(mut span) = place.span.as_ref().and_then(|it| it.try_borrow_mut().ok()) {
            write(&mut span);
        }
    });
    noted.ok(); // an error means that it is in none
}

/// So many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    if text.len() != digits {
        return None;
    }
    text.bytes().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// The same, written: each request has one, and the formatter takes five times as long.
fn digits(number: u128, digits: u32) -> impl Iterator<Item = char> {
    let at = move |digit: u32| (number >> (4 * digit)) as u32 & 0xf;
    let each = (0..digits).rev();
    each.filter_map(move |digit| char::from_digit(at(digit), 16))
}

/// As in the header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        text.extend(digits(self.trace, 32));
        text.push('-');
        text.extend(digits(self.span.into(), 16));
        text.push('-');
        text.extend(digits(self.flags.into(), 2));
        f.write_str(&text)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id of a trace: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&digits(self.0, 32).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_and_written_as_the_specification_has_it() {
        for (text, written) in [
            (GOOD, GOOD),
            (
                "00-0000000000000000000000000000000a-000000000000000b-00",
                "00-0000000000000000000000000000000a-000000000000000b-00",
            ),
            (
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more-than-now",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
            ),
            (
                "fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                GOOD,
            ),
        ] {
            let read = TraceContext::parse(text).map(|context| context.to_string());
            assert_eq!(read.as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_passed_over() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47361-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01",
            "0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
            "|4bf92f35.b7ad6b71.",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text:?}");
        }
    }

    #[tokio::test]
    async fn work_within_a_trace_knows_it_and_other_work_does_not() {
        assert_eq!(current(), None);
        let context = TraceContext::parse(GOOD).map(TraceContext::next);
        let (within, id) = match context {
            Some(context) => (
                context.within(async { current() }).await,
                context.trace_id().to_string(),
            ),
            None => (None, String::new()),
        };
        assert_eq!(within, context);
        assert_eq!(id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(context, TraceContext::parse(GOOD), "a span of its own");
        assert_eq!(current(), None);
    }
}
