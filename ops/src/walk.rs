//! One dead letter after another, each under a lock, all given back at the end.
//!
//! REST has no way to look at a message without taking it: a letter seen is a letter locked, and
//! while it is locked the next receive brings the next one. Its delivery count rises with each
//! look, which matters to nobody: a dead-letter queue gives up on nothing.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;
use std::{future, io};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use order_items_reserver::order::Order;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::bus::{Bus, BusError};
use crate::letter::{Letter, Lock};
use crate::text::Progress;

/// Letters given back at a time.
const UNLOCKS_AT_ONCE_MAX: usize = 8;

/// Why there is no next letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// No other letter came.
    Empty,
    /// As many as were asked for.
    Limit,
    /// The operator pressed Ctrl+C.
    Interrupted,
    /// Locks end faster than letters can be looked at: the same ones come again and again.
    LocksTooShort,
}

/// Why a walk broke off.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The queue.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// What was to be written cannot be.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Which letters are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this session only.
    pub session: Option<String>,
    /// The one with this sequence number only.
    pub sequence: Option<u64>,
    /// So many at the most.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether the letter is meant.
    #[must_use]
    pub fn takes(&self, letter: &Letter) -> bool {
        if self
            .sequence
            .is_some_and(|wanted| letter.sequence != wanted)
        {
            return false;
        }
        let Some(wanted) = &self.session else {
            return true;
        };
        // The session that the reservation would take: a letter may name it in its body only.
        match Order::parse(&letter.delivery) {
            Ok(order) => order.session.as_str() == wanted,
            Err(_) => letter.delivery.session_id.as_ref() == Some(wanted),
        }
    }

    /// Whether so many are enough.
    #[must_use]
    pub fn is_full(&self, taken: usize) -> bool {
        self.limit.is_some_and(|limit| taken >= limit)
    }

    /// Whether every letter is meant.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.session.is_none() && self.sequence.is_none() && self.limit.is_none()
    }
}

/// What may ask a walk to end: Ctrl+C, between two letters, so that every lock is given back.
#[derive(Debug)]
pub struct Stop(Option<Signal>);

impl Stop {
    /// Nothing does.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Ctrl+C does, from now on.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub fn on_interrupt() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(|signal| Self(Some(signal)))
    }

    async fn asked(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => future::pending().await,
        }
    }
}

/// A walk along the dead letters, and the locks it holds.
#[derive(Debug)]
pub struct Walk<'a> {
    bus: &'a Bus,
    wait: Duration,
    stop: Stop,
    held: Vec<Lock>,
    seen: HashSet<u64>,
    repeated: usize,
    progress: Progress,
}

impl<'a> Walk<'a> {
    /// A walk that takes the queue for empty when no letter comes within `wait`.
    #[must_use]
    pub fn new(bus: &'a Bus, wait: Duration, stop: Stop) -> Self {
        Self {
            bus,
            wait,
            stop,
            held: Vec::new(),
            seen: HashSet::new(),
            repeated: 0,
            progress: Progress::nowhere(),
        }
    }

    /// The same, and who waits at a terminal sees how far it is.
    #[must_use]
    pub fn with_progress(mut self) -> Self {
        self.progress = Progress::on_terminal("dead letters");
        self
    }

    /// The next letter that was not seen yet, locked, or why there is none.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn next(&mut self) -> Result<Result<(Letter, Lock), WalkEnd>, BusError> {
        loop {
            let mut receiving = pin!(self.bus.receive(self.wait));
            let received = tokio::select! {
                biased;
                () = self.stop.asked() => {
                    // Cut off, it would lock a letter all the same, and nobody would have it.
                    if let Ok(Some((_, lock))) = receiving.await {
                        self.held.push(lock);
                    }
                    return Ok(Err(WalkEnd::Interrupted));
                }
                received = &mut receiving => received?,
            };
            let Some((letter, lock)) = received else {
                return Ok(Err(WalkEnd::Empty));
            };
            if self.seen.insert(letter.sequence) {
                self.repeated = 0;
                return Ok(Ok((letter, lock)));
            }
            // Its lock ended while others were looked at.
            self.hold(lock);
            self.repeated += 1;
            if self.repeated > self.seen.len() {
                return Ok(Err(WalkEnd::LocksTooShort));
            }
        }
    }

    /// Looks at every letter that is meant, until `look` has seen enough and says false.
    ///
    /// # Errors
    /// When the queue cannot be read, or `look` fails.
    pub async fn look(
        &mut self,
        filter: &Filter,
        look: impl AsyncFnMut(Letter) -> io::Result<bool>,
    ) -> Result<WalkEnd, WalkError> {
        let end = self.look_at_each(filter, look).await;
        self.progress.end();
        end
    }

    async fn look_at_each(
        &mut self,
        filter: &Filter,
        mut look: impl AsyncFnMut(Letter) -> io::Result<bool>,
    ) -> Result<WalkEnd, WalkError> {
        let mut taken = 0;
        while !filter.is_full(taken) {
            match self.next().await? {
                Err(end) => return Ok(end),
                Ok((letter, lock)) => {
                    self.hold(lock);
                    self.progress.at(self.seen.len());
                    if filter.takes(&letter) {
                        taken += 1;
                        if !look(letter).await? {
                            break;
                        }
                    }
                }
            }
        }
        Ok(WalkEnd::Limit)
    }

    /// Keeps a letter locked until [`Self::give_back`], so that it does not come again.
    pub fn hold(&mut self, lock: Lock) {
        self.held.push(lock);
    }

    /// Letters seen so far.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen.len()
    }

    /// Unlocks every letter that is held. Best effort: what stays locked is free when its lock
    /// ends.
    pub async fn give_back(&mut self) {
        let bus = self.bus;
        let unlock = |lock: Lock| async move {
            match bus.unlock(&lock).await {
                Ok(()) | Err(BusError::LockLost) => Ok(()),
                Err(error) => Err(error),
            }
        };
        let held = stream::iter(self.held.drain(..)).map(Ok);
        // One that fails for good ends it: a thousand others would fail alike, each after retries.
        held.try_for_each_concurrent(UNLOCKS_AT_ONCE_MAX, unlock)
            .await
            .ok();
    }
}
