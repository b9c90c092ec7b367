//! From the queue to the handler and back: receive, invoke, settle.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Success};
use super::event::{Delivered, Event, Events, Failure, Level, Outcome};
use super::handler::Handler;
use super::invocation::{Envelope, Stamp};
use super::invoker::{Invoker, Reply};
use super::limit::within;
use super::sessions;
use crate::queue::{Abandoned, Delivery, Queue};

/// Between two tries to reach a handler that does not listen. Not counted as deliveries: a rebuild would burn ten.
const NOT_LISTENING_PAUSE: Duration = Duration::from_millis(250);

/// The limits of host.json; `None` is without limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) concurrent_calls: usize,
    pub(super) concurrent_sessions: usize,
    pub(super) session_idle: Option<Duration>,
    pub(super) function_timeout: Option<Duration>,
    pub(super) lock_renewal: Option<Duration>,
}

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
                        let renewal = dispatch.renew(&delivery, Instant::now());
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
        self.settle(delivery, invoked, started);
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
                    // Everything else in flight breaks off with the process.
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

    async fn renew(&self, delivery: &Delivery, started: Instant) -> Infallible {
        let extend = || self.queue.renew(delivery.lock_token).ok();
        self.keep(delivery.locked_until, started, extend).await
    }

    /// Extends a lock in time, for as long as host.json allows; never returns.
    pub(super) async fn keep(
        &self,
        mut locked_until: OffsetDateTime,
        started: Instant,
        extend: impl Fn() -> Option<OffsetDateTime>,
    ) -> Infallible {
        let within_limit = || {
            self.limits
                .lock_renewal
                .is_none_or(|limit| started.elapsed() < limit)
        };
        let clock = self.queue.clock();
        loop {
            let left = locked_until - clock.now();
            clock.sleep_until(clock.now() + left / 2).await;
            if !within_limit() {
                break;
            }
            match extend() {
                Some(end) => locked_until = end,
                None => break,
            }
        }
        std::future::pending().await
    }

    fn settle(&self, delivery: &Delivery, invoked: Result<Success, Failure>, started: Instant) {
        let token = delivery.lock_token;
        let mut dead = None;
        let outcome = match invoked {
            Ok(Success { status, logs }) => self
                .queue
                .complete(token)
                .map(|()| Outcome::Completed { status, logs }),
            Err(why) => self.queue.abandon(token).map(|abandoned| {
                if let Abandoned::DeadLettered(reason) = abandoned {
                    dead = Some(reason);
                }
                Outcome::Abandoned {
                    why,
                    last: dead.is_some(),
                }
            }),
        };
        let properties = &delivery.accepted.message.properties;
        let (sequence, delivery_count) = (delivery.accepted.sequence, delivery.delivery_count);
        self.events.emit(Event::Delivered(Delivered {
            sequence,
            message_id: properties.message_id.clone(),
            session: properties.session_id.clone(),
            delivery_count,
            outcome: outcome.unwrap_or(Outcome::LockLost),
            took: started.elapsed(),
        }));
        if let Some(reason) = dead {
            let session = properties.session_id.clone();
            self.events.emit(Event::DeadLettered {
                sequence,
                session,
                delivery_count,
                reason,
            });
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::app::DataType;
    use crate::clock::Clock;
    use crate::queue::{LockLost, Message, QueueOptions};

    const MINUTE: Duration = Duration::from_secs(60);

    pub(in crate::host) fn dispatch(
        options: QueueOptions,
        lock_renewal: Option<Duration>,
    ) -> Dispatch {
        let (events, _) = Events::new();
        let client = crate::http_client::builder()
            .expect("TLS defaults")
            .build()
            .expect("a client");
        Dispatch {
            queue: Queue::new("order-items", options, Clock::new()),
            handler: Handler::elsewhere(),
            invoker: Invoker::new(client, "http://127.0.0.1:9", "OrderItemsReserver"),
            envelope: Envelope {
                function: "OrderItemsReserver".to_owned(),
                binding: "order".to_owned(),
                data_type: DataType::Binary,
                namespace: "localhost".to_owned(),
                client_id: uuid::Uuid::nil(),
                session_locked_until: None,
            },
            limits: Limits {
                concurrent_calls: 1,
                concurrent_sessions: 1,
                session_idle: Some(MINUTE),
                function_timeout: None,
                lock_renewal,
            },
            events,
            told_not_listening: AtomicBool::new(false),
        }
    }

    async fn completed_after(minutes: u32, lock_renewal: Option<Duration>) -> Result<(), LockLost> {
        let dispatch = dispatch(QueueOptions::default(), lock_renewal);
        dispatch.queue.enqueue(Message::new("x")).unwrap();
        let delivery = dispatch.queue.receive().await;
        tokio::select! {
            never = dispatch.renew(&delivery, Instant::now()) => match never {},
            () = sleep(minutes * MINUTE) => {}
        }
        dispatch.queue.complete(delivery.lock_token)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_renewed_for_as_long_as_host_json_allows_and_then_lost() {
        let limit = Some(10 * MINUTE);
        assert_eq!(completed_after(9, limit).await, Ok(()));
        // Renewed for the last time within the limit, it holds for less than one more lock duration.
        assert_eq!(completed_after(15, limit).await, Err(LockLost));
        assert_eq!(completed_after(60, None).await, Ok(()));
    }
}
