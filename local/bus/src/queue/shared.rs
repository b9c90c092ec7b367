//! What the handles of one queue share: its state behind a lock, its clock, and who hears of changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::kept::Kept;
use super::message::Message;
use super::news::News;
use super::state::State;
use super::{Enqueued, SendRefused};
use stand_in::Clock;

/// One queue.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) sessions: bool,
    pub(super) clock: Clock,
    pub(super) news: News,
    kept: Mutex<Kept>,
}

impl Shared {
    pub(super) fn new(name: String, kept: Kept, clock: Clock) -> Self {
        Self {
            name,
            sessions: kept.state.options.sessions,
            clock,
            news: News::new(),
            kept: Mutex::new(kept),
        }
    }

    /// Accepts the messages of one send, all or none.
    pub(super) fn send(&self, messages: Vec<Message>) -> Result<Vec<Enqueued>, SendRefused> {
        let mut kept = self.kept();
        let enqueued = kept.send(messages, self.now())?;
        self.tell(kept);
        Ok(enqueued)
    }

    /// Lets `act` change the state, writes down what changed, and tells it.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State, OffsetDateTime) -> T) -> T {
        let mut kept = self.kept();
        let now = self.now();
        let result = act(&mut kept.state, now);
        if let Some(trouble) = kept.note(now) {
            self.news.tell_trouble(trouble);
        }
        self.tell(kept);
        result
    }

    /// Tells what changed, in the order of events, which needs the lock.
    fn tell(&self, mut kept: MutexGuard<'_, Kept>) {
        let transitions = kept.state.take_transitions();
        if transitions.is_empty() {
            return;
        }
        self.news.tell(transitions);
        drop(kept);
        self.news.wake();
    }

    /// Tries until there is something: again at every change, and when the next lock ends.
    pub(super) async fn until<T>(
        &self,
        attempt: impl Fn() -> Option<T>,
        next_expiry: impl Fn(&State, OffsetDateTime) -> Option<OffsetDateTime>,
    ) -> T {
        let mut changed = self.news.changes();
        loop {
            changed.mark_unchanged();
            if let Some(found) = attempt() {
                return found;
            }
            let expiry = next_expiry(&self.kept().state, self.now());
            tokio::select! {
                // The sender lives as long as `self`: there is no error to see.
                _ = changed.changed() => {}
                () = self.sleep_until(expiry) => {}
            }
        }
    }

    async fn sleep_until(&self, expiry: Option<OffsetDateTime>) {
        match expiry {
            Some(expiry) => self.clock.sleep_until(expiry).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        // No transition panics half-way, so what a poisoned lock holds is whole.
        let kept = self.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
    }
}
