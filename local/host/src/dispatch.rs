//! A message's way to the handler and back: received, its lock kept, invoked, settled.
//!
//! `function.json` decides who receives:
//!
//! ```text
//!                     cardinality one                     cardinality many
//! without sessions    calls: maxConcurrentCalls           batches: one at a time
//! with sessions       sessions: maxConcurrentSessions,    batches: one at a time,
//!                     one message at a time in each       of one session
//! ```
//!
//! All of them invoke here and settle in `settlement`; `lock` keeps the lock of a single message,
//! or of a session, meanwhile.

mod batches;
mod calls;
mod lock;
mod sessions;
mod settlement;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{BodyKind, Delivery, Queue};
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::answer::{Invoked, Success};
use super::events::{Event, Events, InvocationFailure, Level};
use super::handler::{Ended, Handler};
use super::invocation::{Envelope, InvocationStamp};
use super::invoker::Invoker;
use super::limits::{Limits, within};
use super::stopping::Stopping;
use super::trace::traceparent;
use crate::app::{Cardinality, DataType};

/// Between two tries to reach a handler that somebody else runs and that does not listen.
const NOT_LISTENING_PAUSE: Duration = Duration::from_millis(250);

/// What a refused connection costs the real host, so that ten deliveries take it 0.4 s.
const REFUSED_PAUSE: Duration = Duration::from_millis(40);

/// Between functionTimeout and the kill.
const TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// Moves messages from one queue to one handler.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) queue: Queue,
    pub(super) handler: Handler,
    pub(super) invoker: Invoker,
    pub(super) envelope: Envelope,
    pub(super) cardinality: Cardinality,
    pub(super) limits: Limits,
    pub(super) traces: bool,
    pub(super) events: Events,
    pub(super) stopping: Stopping,
    pub(super) told_not_listening: AtomicBool,
}

/// How an invocation ended for the messages it brought.
#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    /// They are completed; or given back, when the host has been asked to stop meanwhile and they
    /// came one by one.
    Success(Success),
    /// They are given back.
    Failure(InvocationFailure),
    /// The host has ended with it; how decides what becomes of them.
    HostEnded(Ended),
}

/// What comes back of one call.
enum Answered {
    Success(Success),
    Failure(InvocationFailure),
    NotListening,
}

impl Dispatch {
    /// Delivers until the host stops, and returns when every delivery is settled.
    pub(super) async fn run(self) {
        let dispatch = Arc::new(self);
        match (dispatch.cardinality, dispatch.queue.requires_sessions()) {
            (Cardinality::One, false) => dispatch.run_calls().await,
            (Cardinality::One, true) => dispatch.run_sessions().await,
            (Cardinality::Many, false) => dispatch.run_batches().await,
            (Cardinality::Many, true) => dispatch.run_batches_of_sessions().await,
        }
    }

    /// Comes to pass when nothing more is to be received.
    async fn closed(&self) {
        tokio::select! {
            () = self.stopping.begun() => {}
            _ = self.handler.ended() => {}
        }
    }

    /// Invokes and settles, and meanwhile keeps the lock by `renewal`.
    async fn deliver(&self, deliveries: &[Delivery], renewal: impl Future<Output = Infallible>) {
        let started = Instant::now();
        let verdict = tokio::select! {
            verdict = self.invoke(deliveries) => verdict,
            never = renewal => match never {},
            ended = self.handler.ended() => Verdict::HostEnded(ended),
        };
        self.settle(deliveries, verdict, started.elapsed());
    }

    /// Invokes the handler until it has had the messages once.
    async fn invoke(&self, deliveries: &[Delivery]) -> Verdict {
        if let Some(why) = deliveries
            .iter()
            .find_map(|delivery| self.unbindable(delivery))
        {
            return Verdict::Failure(why);
        }
        loop {
            let generation = self.handler.callable().await;
            let mut call = pin!(self.call(deliveries));
            let Some(answered) = within(self.limits.function_timeout, call.as_mut()).await else {
                // An answer that comes now only ends the grace. Everything else in flight breaks
                // off with the process.
                within(Some(TIMEOUT_GRACE), call).await;
                self.handler.kill(generation);
                return Verdict::Failure(InvocationFailure::FunctionTimeout);
            };
            let why = match answered {
                Answered::NotListening if self.handler.is_elsewhere() => {
                    self.tell_not_listening();
                    sleep(NOT_LISTENING_PAUSE).await;
                    continue;
                }
                Answered::NotListening => {
                    sleep(REFUSED_PAUSE).await;
                    InvocationFailure::Connection("connection refused".to_owned())
                }
                Answered::Failure(why) => why,
                Answered::Success(success) => {
                    self.told_not_listening.store(false, Ordering::Relaxed);
                    return Verdict::Success(success);
                }
            };
            if let InvocationFailure::Connection(_) = why
                && let Some(ended) = self.handler.ended_with(generation).await
            {
                return Verdict::HostEnded(ended);
            }
            return Verdict::Failure(why);
        }
    }

    /// Why the host cannot make the function's parameter of a message, or of a batch with it; the
    /// handler never hears of either. As bytes it takes data alone, as text also a value that is a
    /// string.
    fn unbindable(&self, delivery: &Delivery) -> Option<InvocationFailure> {
        let found = match (
            delivery.accepted.message.body_kind(),
            self.envelope.data_type,
        ) {
            (BodyKind::Data, _) | (BodyKind::Text, DataType::String) => return None,
            (BodyKind::Text, DataType::Binary) => "an AMQP value that is a string",
            (BodyKind::Value, _) => "an AMQP value",
            (BodyKind::Sequence, _) => "an AMQP sequence",
        };
        let expected = match self.envelope.data_type {
            DataType::Binary => "data sections, with dataType binary",
            DataType::String => "data sections or a string, with dataType string",
        };
        Some(InvocationFailure::Unbindable {
            sequence: delivery.accepted.sequence,
            expected,
            found,
        })
    }

    /// Calls once. An answer that the host would not notice does not come back.
    async fn call(&self, deliveries: &[Delivery]) -> Answered {
        let trace = self.traces.then(|| traceparent(self.traced(deliveries)));
        let body = self.encode(deliveries);
        match self.invoker.call(body, trace.as_deref()).await {
            Invoked::Success(success) => Answered::Success(success),
            Invoked::Failure(why) => Answered::Failure(why),
            Invoked::NotListening => Answered::NotListening,
            Invoked::Hang { status, what } => {
                self.tell_hang(deliveries, status, what);
                std::future::pending().await
            }
        }
    }

    /// A batch goes on with nobody's trace: it may be of many senders.
    fn traced<'a>(&self, deliveries: &'a [Delivery]) -> Option<&'a Delivery> {
        let single = self.cardinality == Cardinality::One;
        deliveries.first().filter(|_| single)
    }

    fn encode(&self, deliveries: &[Delivery]) -> Bytes {
        let stamp = InvocationStamp::new();
        let sessions = self.queue.requires_sessions();
        let session_locked_until = deliveries.first().map(|first| first.locked_until);
        let envelope = Envelope {
            session_locked_until: session_locked_until.filter(|_| sessions),
            ..self.envelope.clone()
        };
        match (self.cardinality, deliveries) {
            (Cardinality::One, [delivery]) => envelope.encode(delivery, &stamp),
            _ => envelope.encode_batch(deliveries, &stamp),
        }
    }

    /// Once until the handler answers again, not for every message that waits for it.
    fn tell_not_listening(&self) {
        if !self.told_not_listening.swap(true, Ordering::Relaxed) {
            self.events.note(
                Level::Warning,
                "the handler does not listen: deliveries wait and are not counted",
            );
        }
    }

    fn tell_hang(&self, deliveries: &[Delivery], status: u16, what: &str) {
        let text = format!(
            "{}: the handler answered {status} with {what}: the host hangs until functionTimeout",
            numbers(deliveries)
        );
        self.events.emit(Event::Note {
            level: Level::Warning,
            text,
        });
    }
}

/// `#7`, or `#7 and 3 more`.
fn numbers(deliveries: &[Delivery]) -> String {
    let first = deliveries.first().map(|first| first.accepted.sequence);
    let first = first.unwrap_or_default();
    match deliveries.len().saturating_sub(1) {
        0 => format!("#{first}"),
        more => format!("#{first} and {more} more"),
    }
}
