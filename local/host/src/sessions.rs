//! Deliveries from a queue with sessions: N receivers, each of which holds one session and takes its messages in turn.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::dispatch::Dispatch;
use super::renewal::keep;
use bus::SessionLock;

/// Delivers until the host stops, and returns when every delivery is settled.
pub(super) async fn run(dispatch: &Arc<Dispatch>) {
    let mut receivers = JoinSet::new();
    for _ in 0..dispatch.limits.concurrent_sessions {
        let dispatch = Arc::clone(dispatch);
        receivers.spawn(async move { receive(&dispatch).await });
    }
    while receivers.join_next().await.is_some() {}
}

/// One receiver: a session after the other.
async fn receive(dispatch: &Dispatch) {
    loop {
        let session = tokio::select! {
            () = dispatch.handler.stopped() => return,
            session = next(dispatch) => session,
        };
        tokio::select! {
            () = serve(dispatch, &session) => {}
            never = renew(dispatch, &session) => match never {},
        }
        dispatch.queue.close_session(session.token);
    }
}

async fn next(dispatch: &Dispatch) -> SessionLock {
    dispatch.handler.ready().await;
    dispatch.queue.accept_session().await
}

/// Delivers a session's messages, until none comes for `sessionIdleTimeout` or the session's lock is lost.
async fn serve(dispatch: &Dispatch, session: &SessionLock) {
    let patience = dispatch.limits.session_idle.unwrap_or(Duration::MAX);
    loop {
        let received = tokio::select! {
            () = dispatch.handler.stopped() => return,
            received = dispatch.queue.receive_in_session(session.token, patience) => received,
        };
        match received {
            Ok(Some(delivery)) => dispatch.deliver(&delivery, std::future::pending()).await,
            Ok(None) | Err(_) => return,
        }
    }
}

/// Extends the session's lock; the limit counts from taking the session, not from its last message.
async fn renew(dispatch: &Dispatch, session: &SessionLock) -> Infallible {
    let limit = dispatch.limits.lock_renewal;
    let extend = || dispatch.queue.renew_session(session.token).ok();
    keep(dispatch.queue.clock(), limit, session.locked_until, extend).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use tokio::time::Instant;

    use super::*;
    use crate::app::DataType;
    use crate::client::Client;
    use crate::event::Events;
    use crate::handler::Handler;
    use crate::invocation::Envelope;
    use crate::invoker::Invoker;
    use crate::limits::Limits;
    use bus::{Message, Queue, QueueOptions};
    use stand_in::Clock;

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
            invoker: Invoker::new(Client::new(), "http://127.0.0.1:9", "OrderItemsReserver")
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
        serve(&dispatch, &session).await;
        assert_eq!(started.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sessions_lock_is_renewed_within_the_limit_that_counts_from_taking_it() {
        let (mut dispatch, session) = emptied().await;
        dispatch.limits.session_idle = None;
        let started = Instant::now();
        tokio::select! {
            () = serve(&dispatch, &session) => {}
            never = renew(&dispatch, &session) => match never {},
        }
        let held = started.elapsed();
        // Renewed for the last time within the limit, it holds for less than one more lock duration.
        assert!(held > 10 * MINUTE && held <= 15 * MINUTE, "{held:?}");
    }
}
