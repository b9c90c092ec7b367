//! Messages of a queue with sessions, one in each invocation: each receiver holds one session, and
//! takes its messages in turn.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bus::SessionLock;
use tokio::task::JoinSet;

use super::Dispatch;
use super::lock::keep_lock;

impl Dispatch {
    pub(super) async fn run_sessions(self: &Arc<Self>) {
        let mut receivers = JoinSet::new();
        for _ in 0..self.limits.concurrent_sessions {
            let dispatch = Arc::clone(self);
            receivers.spawn(async move { dispatch.receive_sessions().await });
        }
        while receivers.join_next().await.is_some() {}
    }

    /// One receiver: a session after the other.
    async fn receive_sessions(&self) {
        while let Some(session) = self.next_session().await {
            tokio::select! {
                () = self.serve_session(&session) => {}
                never = self.renew_session(&session) => match never {},
            }
            self.queue.close_session(session.token);
        }
    }

    /// The next session that has a message; nothing when no more are to be received.
    pub(super) async fn next_session(&self) -> Option<SessionLock> {
        let session = async {
            self.handler.callable().await;
            self.queue.accept_session().await
        };
        tokio::select! {
            biased;
            () = self.closed() => None,
            session = session => Some(session),
        }
    }

    /// Delivers a session's messages, until none comes for `sessionIdleTimeout` or the session's
    /// lock is lost.
    async fn serve_session(&self, session: &SessionLock) {
        let patience = self.limits.session_idle.unwrap_or(Duration::MAX);
        loop {
            let received = tokio::select! {
                biased;
                () = self.closed() => return,
                received = self.queue.receive_in_session(session.token, patience) => received,
            };
            match received {
                // The session's lock is kept by its receiver: a message in it has none of its own.
                Ok(Some(delivery)) => {
                    let renewal = std::future::pending();
                    self.deliver(std::slice::from_ref(&delivery), renewal).await;
                }
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
}

#[cfg(test)]
mod tests {
    use bus::Message;
    use tokio::time::Instant;

    use super::super::lock::tests::{MINUTE, dispatch};
    use super::*;

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
}
