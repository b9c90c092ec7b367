//! Many messages in one invocation: one batch at a time, and with sessions of one session at a time.
//!
//! A batch is what is there, up to `maxMessageBatchSize`. Where `minMessageBatchSize` asks for more
//! than one, too few are kept until there are enough, or `maxBatchWaitTime` has passed. No lock is
//! renewed, neither of a message nor of a session.

use std::time::Duration;

use bus::{Delivery, SessionLock};
use tokio::time::{Instant, sleep_until};

use super::Dispatch;

/// Messages that were received and are too few for a batch.
#[derive(Default)]
struct Kept {
    deliveries: Vec<Delivery>,
    /// When they go out all the same.
    until: Option<Instant>,
}

/// What came next.
enum Next {
    Messages(Vec<Delivery>),
    /// Those that are kept have waited long enough.
    Waited,
    /// No more will come: the session is empty or lost, or nothing is to be received any more.
    Over,
}

impl Dispatch {
    pub(super) async fn run_batches(&self) {
        self.deliver_batches(None).await;
    }

    pub(super) async fn run_batches_of_sessions(&self) {
        while let Some(session) = self.next_session().await {
            self.deliver_batches(Some(&session)).await;
            self.queue.close_session(session.token);
        }
    }

    /// What is there, of that session or of the queue; nothing when nothing came in a session for
    /// `sessionIdleTimeout`, or when it is lost.
    async fn more(&self, session: Option<&SessionLock>) -> Option<Vec<Delivery>> {
        let most = self.limits.batch.most;
        self.handler.callable().await;
        let Some(session) = session else {
            let first = self.queue.receive().await;
            let more = std::iter::from_fn(|| self.queue.try_receive());
            return Some(std::iter::once(first).chain(more).take(most).collect());
        };
        let patience = self.limits.session_idle.unwrap_or(Duration::MAX);
        let first = self.queue.receive_in_session(session.token, patience).await;
        let more = || {
            self.queue
                .try_receive_in_session(session.token)
                .ok()
                .flatten()
        };
        let all = std::iter::once(first.ok()??).chain(std::iter::from_fn(more));
        Some(all.take(most).collect())
    }

    /// Delivers batches until nothing more comes. What is kept then goes out as it is, also during a
    /// stop.
    async fn deliver_batches(&self, session: Option<&SessionLock>) {
        let limits = self.limits.batch;
        let mut kept = Kept::default();
        loop {
            let next = tokio::select! {
                biased;
                () = self.closed() => Next::Over,
                () = kept.waited() => Next::Waited,
                received = self.more(session) => received.map_or(Next::Over, Next::Messages),
            };
            let least = match next {
                Next::Messages(more) => {
                    kept.deliveries.extend(more);
                    limits.least
                }
                Next::Waited => 1,
                Next::Over => {
                    while let Some(batch) = kept.batch(1, limits.most) {
                        self.deliver(&batch, std::future::pending()).await;
                    }
                    return;
                }
            };
            if let Some(batch) = kept.batch(least, limits.most) {
                kept.until = None;
                self.deliver(&batch, std::future::pending()).await;
            }
            kept.wait_for(limits.wait);
        }
    }
}

impl Kept {
    /// The next batch, when there are enough for one.
    fn batch(&mut self, least: usize, most: usize) -> Option<Vec<Delivery>> {
        let count = self.deliveries.len().min(most);
        let enough = count > 0 && self.deliveries.len() >= least;
        enough.then(|| self.deliveries.drain(..count).collect())
    }

    /// The wait counts from the first that is kept.
    fn wait_for(&mut self, wait: Option<Duration>) {
        if self.deliveries.is_empty() {
            self.until = None;
        } else if self.until.is_none() {
            self.until = wait.map(|wait| Instant::now() + wait);
        }
    }

    async fn waited(&self) {
        match self.until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}
