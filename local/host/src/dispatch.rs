//! A message's way to the handler and back: received, its lock kept, invoked, settled.
//!
//! A queue without sessions hands out up to `maxConcurrentCalls` messages at a time. On a queue
//! with sessions there are `maxConcurrentSessions` receivers, each of which holds one session and
//! takes its messages in turn.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{Abandoned, Delivery, Queue, SessionLock};
use bytes::Bytes;
use stand_in::Clock;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::events::{Delivered, DeliveryOutcome, Event, Events, InvocationFailure, Level};
use super::handler::Handler;
use super::invocation::{Envelope, InvocationStamp};
use super::invoker::{Invoked, Invoker, Success};
use super::limits::{Limits, within};

/// Between two tries to reach a handler that does not listen. The real host counts each as a
/// delivery; here a rebuild of the handler would burn all ten.
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
            dispatch.run_receivers_of_sessions().await;
        } else {
            dispatch.run_calls().await;
        }
    }

    async fn run_calls(self: &Arc<Self>) {
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                () = self.handler.stopped() => break,
                Some(_) = calls.join_next() => {}
                delivery = self.next_message(), if calls.len() < self.limits.concurrent_calls => {
                    let dispatch = Arc::clone(self);
                    calls.spawn(async move {
                        let renewal = dispatch.renew_message(&delivery);
                        dispatch.deliver(&delivery, renewal).await;
                    });
                }
            }
        }
        while calls.join_next().await.is_some() {}
    }

    async fn next_message(&self) -> Delivery {
        self.handler.ready().await;
        self.queue.receive().await
    }

    async fn renew_message(&self, delivery: &Delivery) -> Infallible {
        let limit = self.limits.lock_renewal;
        let extend = || self.queue.renew(delivery.lock_token).ok();
        keep_lock(self.queue.clock(), limit, delivery.locked_until, extend).await
    }

    async fn run_receivers_of_sessions(self: &Arc<Self>) {
        let mut receivers = JoinSet::new();
        for _ in 0..self.limits.concurrent_sessions {
            let dispatch = Arc::clone(self);
            receivers.spawn(async move { dispatch.receive_sessions().await });
        }
        while receivers.join_next().await.is_some() {}
    }

    /// One receiver: a session after the other.
    async fn receive_sessions(&self) {
        loop {
            let session = tokio::select! {
                () = self.handler.stopped() => return,
                session = self.next_session() => session,
            };
            tokio::select! {
                () = self.serve_session(&session) => {}
                never = self.renew_session(&session) => match never {},
            }
            self.queue.close_session(session.token);
        }
    }

    async fn next_session(&self) -> SessionLock {
        self.handler.ready().await;
        self.queue.accept_session().await
    }

    /// Delivers a session's messages, until none comes for `sessionIdleTimeout` or the session's
    /// lock is lost.
    async fn serve_session(&self, session: &SessionLock) {
        let patience = self.limits.session_idle.unwrap_or(Duration::MAX);
        loop {
            let received = tokio::select! {
                () = self.handler.stopped() => return,
                received = self.queue.receive_in_session(session.token, patience) => received,
            };
            match received {
                // The session's lock is kept by its receiver: a message in it has none of its own.
                Ok(Some(delivery)) => self.deliver(&delivery, std::future::pending()).await,
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Extends the session's lock; the limit counts from taking the session, not from its last
    /// message.
    async fn renew_session(&self, session: &SessionLock) -> Infallible {
        let limit = self.limits.lock_renewal;
        let extend = || self.queue.renew_session(session.token).ok();
        keep_lock(self.queue.clock(), limit, session.locked_until, extend).await
    }

    /// Invokes and settles, and meanwhile keeps the lock by `renewal`.
    async fn deliver(&self, delivery: &Delivery, renewal: impl Future<Output = Infallible>) {
        let started = Instant::now();
        let invoked = tokio::select! {
            invoked = self.invoke(delivery) => invoked,
            never = renewal => match never {},
            () = self.handler.stopped() => Err(InvocationFailure::HostStops),
        };
        self.settle(delivery, invoked, started.elapsed());
    }

    /// Invokes the handler until it has had the message once.
    async fn invoke(&self, delivery: &Delivery) -> Result<Success, InvocationFailure> {
        loop {
            let generation = self.handler.ready().await;
            let stamp = InvocationStamp::new();
            let body = self.envelope_of(delivery).encode(delivery, &stamp);
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
                    // Everything else in flight breaks off with the process. The real host kills
                    // it 2 s later.
                    self.handler.kill(generation);
                    return Err(InvocationFailure::FunctionTimeout);
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

    /// Calls once; nothing when nobody listens. An answer that the host would not notice does not
    /// come back.
    async fn call(&self, sequence: u64, body: Bytes) -> Option<Result<Success, InvocationFailure>> {
        match self.invoker.call(body).await {
            Invoked::NotListening => None,
            Invoked::Success(success) => Some(Ok(success)),
            Invoked::Failure(why) => Some(Err(why)),
            Invoked::Hang { status, what } => {
                let text = format!(
                    "#{sequence}: the handler answered {status} with {what}: \
                     the host hangs until functionTimeout"
                );
                self.events.note(Level::Warning, text);
                std::future::pending().await
            }
        }
    }

    /// Completes the message, or gives it back, and tells it.
    fn settle(
        &self,
        delivery: &Delivery,
        invoked: Result<Success, InvocationFailure>,
        took: Duration,
    ) {
        let token = delivery.lock_token;
        let mut dead = None;
        let outcome = match invoked {
            Ok(Success { status, logs }) => {
                let completed = self.queue.complete(token);
                completed.map(|()| DeliveryOutcome::Completed { status, logs })
            }
            Err(why) => self.queue.abandon(token).map(|abandoned| {
                if let Abandoned::DeadLettered(reason) = abandoned {
                    dead = Some(reason);
                }
                let last = dead.is_some();
                DeliveryOutcome::Abandoned { why, last }
            }),
        };
        let properties = &delivery.accepted.message.properties;
        let (sequence, delivery_count) = (delivery.accepted.sequence, delivery.delivery_count);
        self.events.emit(Event::Delivered(Delivered {
            sequence,
            message_id: properties.message_id.clone(),
            session: properties.session_id.clone(),
            delivery_count,
            outcome: outcome.unwrap_or(DeliveryOutcome::LockLost),
            took,
        }));
        if let Some(reason) = dead {
            self.events.emit(Event::DeadLettered {
                sequence,
                session: properties.session_id.clone(),
                delivery_count,
                reason,
            });
        }
    }
}

/// Extends a lock in time, for as long as host.json allows; never returns.
///
/// Half of what is left is waited for: an extension that comes late by less than the other half
/// still finds the lock.
async fn keep_lock(
    clock: Clock,
    limit: Option<Duration>,
    mut locked_until: OffsetDateTime,
    extend: impl Fn() -> Option<OffsetDateTime>,
) -> Infallible {
    let started = Instant::now();
    loop {
        let left = locked_until - clock.now();
        clock.sleep_until(clock.now() + left / 2).await;
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            break;
        }
        match extend() {
            Some(end) => locked_until = end,
            None => break,
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use bus::{LockLost, Message, QueueOptions};

    use super::*;
    use crate::app::DataType;
    use crate::client::HandlerClient;

    const MINUTE: Duration = Duration::from_secs(60);

    fn dispatch() -> Dispatch {
        let options = QueueOptions {
            sessions: true,
            ..QueueOptions::default()
        };
        let (events, _) = Events::new();
        Dispatch {
            queue: Queue::new("order-items", options, Clock::new()),
            handler: Handler::elsewhere(),
            invoker: Invoker::new(
                HandlerClient::new(),
                "http://127.0.0.1:9",
                "OrderItemsReserver",
            )
            .unwrap(),
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
                lock_renewal: Some(10 * MINUTE),
            },
            events,
            told_not_listening: AtomicBool::new(false),
        }
    }

    async fn emptied() -> (Dispatch, SessionLock) {
        let dispatch = dispatch();
        let message = Message::new("x").with_session("S");
        dispatch.queue.enqueue(message).unwrap();
        let session = dispatch.queue.accept_session().await;
        let received = dispatch.queue.receive_in_session(session.token, MINUTE);
        let delivery = received.await.unwrap().unwrap();
        dispatch.queue.complete(delivery.lock_token).unwrap();
        (dispatch, session)
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_session_is_served_for_as_long_as_it_may_be_idle() {
        let (dispatch, session) = emptied().await;
        let started = Instant::now();
        dispatch.serve_session(&session).await;
        assert_eq!(started.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sessions_lock_is_renewed_within_the_limit_that_counts_from_taking_it() {
        let (mut dispatch, session) = emptied().await;
        dispatch.limits.session_idle = None;
        let started = Instant::now();
        tokio::select! {
            () = dispatch.serve_session(&session) => {}
            never = dispatch.renew_session(&session) => match never {},
        }
        let held = started.elapsed();
        // Renewed for the last time within the limit, it holds for less than one more lock
        // duration.
        assert!(held > 10 * MINUTE && held <= 15 * MINUTE, "{held:?}");
    }

    async fn completed_after(minutes: u32, limit: Option<Duration>) -> Result<(), LockLost> {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        queue.enqueue(Message::new("x")).unwrap();
        let delivery = queue.receive().await;
        let extend = || queue.renew(delivery.lock_token).ok();
        let keeping = keep_lock(queue.clock(), limit, delivery.locked_until, extend);
        tokio::select! {
            never = keeping => match never {},
            () = sleep(minutes * MINUTE) => {}
        }
        queue.complete(delivery.lock_token)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_renewed_for_as_long_as_host_json_allows_and_then_lost() {
        let limit = Some(10 * MINUTE);
        assert_eq!(completed_after(9, limit).await, Ok(()));
        // Renewed for the last time within the limit, it holds for less than one more lock
        // duration.
        assert_eq!(completed_after(15, limit).await, Err(LockLost));
        assert_eq!(completed_after(60, None).await, Ok(()));
    }
}
