//! From the queue to the handler and back: receive, invoke, settle.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Success};
use super::delivered::Failure;
use super::event::{Events, Level};
use super::handler::Handler;
use super::invocation::{Envelope, Stamp};
use super::invoker::{Invoker, Reply};
use super::limits::{Limits, within};
use super::renewal::keep;
use super::sessions;
use super::settlement::settle;
use bus::{Delivery, Queue};

/// Between two tries to reach a handler that does not listen. The real host counts each as a delivery; here a rebuild
/// of the handler would burn all ten.
const NOT_LISTENING_PAUSE: Duration = Duration::from_millis(250);

/// Moves messages from one queue to one handler.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) queue: Queue,
    pub(super) handler: Handler,
    pub(super) invoker: Invoker,
    pub(super) envelope: Envelope,
    pub(super) limits: Limits,
    pub(super) events: Events,
    pub(super) told_not_listening: AtomicBool,
}

impl Dispatch {
    /// Delivers until the host stops, and returns when every delivery is settled.
    pub(super) async fn run(self) {
        let dispatch = Arc::new(self);
        if dispatch.queue.requires_sessions() {
            return sessions::run(&dispatch).await;
        }
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                () = dispatch.handler.stopped() => break,
                Some(_) = calls.join_next() => {}
                delivery = dispatch.next(), if calls.len() < dispatch.limits.concurrent_calls => {
                    let dispatch = Arc::clone(&dispatch);
                    calls.spawn(async move {
                        let renewal = dispatch.renew(&delivery);
                        dispatch.deliver(&delivery, renewal).await;
                    });
                }
            }
        }
        while calls.join_next().await.is_some() {}
    }

    async fn next(&self) -> Delivery {
        self.handler.ready().await;
        self.queue.receive().await
    }

    /// Invokes and settles, and meanwhile keeps the lock by `renewal`.
    pub(super) async fn deliver(
        &self,
        delivery: &Delivery,
        renewal: impl Future<Output = Infallible>,
    ) {
        let started = Instant::now();
        let invoked = tokio::select! {
            invoked = self.invoke(delivery) => invoked,
            never = renewal => match never {},
            () = self.handler.stopped() => Err(Failure::HostStops),
        };
        settle(
            &self.queue,
            &self.events,
            delivery,
            invoked,
            started.elapsed(),
        );
    }

    /// Invokes the handler until it has had the message once.
    async fn invoke(&self, delivery: &Delivery) -> Result<Success, Failure> {
        loop {
            let generation = self.handler.ready().await;
            let body = self.envelope_of(delivery).encode(delivery, &Stamp::new());
            let call = self.call(delivery.accepted.sequence, body);
            match within(self.limits.function_timeout, call).await {
                Some(Some(answered)) => {
                    self.told_not_listening.store(false, Ordering::Relaxed);
                    return answered;
                }
                Some(None) => {
                    self.tell_not_listening();
                    sleep(NOT_LISTENING_PAUSE).await;
                }
                None => {
                    // Everything else in flight breaks off with the process. The real host kills it 2 s later.
                    self.handler.kill(generation);
                    return Err(Failure::FunctionTimeout);
                }
            }
        }
    }

    fn envelope_of(&self, delivery: &Delivery) -> Cow<'_, Envelope> {
        if !self.queue.requires_sessions() {
            return Cow::Borrowed(&self.envelope);
        }
        Cow::Owned(Envelope {
            session_locked_until: Some(delivery.locked_until),
            ..self.envelope.clone()
        })
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

    /// Calls once; nothing when nobody listens. An answer that the host would not notice does not come back.
    async fn call(&self, sequence: u64, body: Bytes) -> Option<Result<Success, Failure>> {
        match self.invoker.call(body).await {
            Reply::NotListening => None,
            Reply::Answer(Answer::Success(success)) => Some(Ok(success)),
            Reply::Answer(Answer::Failure(why)) => Some(Err(why)),
            Reply::Answer(Answer::Hang { status, what }) => {
                let text = format!(
                    "#{sequence}: the handler answered {status} with {what}: the host hangs until functionTimeout"
                );
                self.events.note(Level::Warning, text);
                std::future::pending().await
            }
        }
    }

    async fn renew(&self, delivery: &Delivery) -> Infallible {
        let limit = self.limits.lock_renewal;
        let extend = || self.queue.renew(delivery.lock_token).ok();
        keep(self.queue.clock(), limit, delivery.locked_until, extend).await
    }
}
