//! Messages of a queue without sessions, one in each invocation, so many at a time.

use std::convert::Infallible;
use std::sync::Arc;

use bus::Delivery;
use tokio::task::JoinSet;

use super::Dispatch;
use super::lock::keep_lock;

impl Dispatch {
    pub(super) async fn run_calls(self: &Arc<Self>) {
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.closed() => break,
                Some(_) = calls.join_next() => {}
                delivery = self.next_message(), if calls.len() < self.limits.concurrent_calls => {
                    let dispatch = Arc::clone(self);
                    calls.spawn(async move {
                        let renewal = dispatch.renew_message(&delivery);
                        dispatch.deliver(std::slice::from_ref(&delivery), renewal).await;
                    });
                }
            }
        }
        while calls.join_next().await.is_some() {}
    }

    async fn next_message(&self) -> Delivery {
        self.handler.callable().await;
        self.queue.receive().await
    }

    async fn renew_message(&self, delivery: &Delivery) -> Infallible {
        let limit = self.limits.lock_renewal;
        let extend = || self.queue.renew(delivery.lock_token).ok();
        keep_lock(self.queue.clock(), limit, delivery.locked_until, extend).await
    }
}
