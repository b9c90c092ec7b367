//! A storage and a fallback that fail as they are told, and see everything.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::order::{Order, SessionId};
use order_items_reserver::store::blob::{BlobService, BlobStore, Condition, Head, PutReply};
use order_items_reserver::store::{OrderStore, Origin, Put, StoreError};
use storage_account::StorageError;
use tokio::time::{Instant, sleep};

use crate::model::choices::Choices;
use crate::model::rules::{Rule, Ruled};
use crate::model::storage::{Storage, Upload};

/// What may happen to a request. Each attempt is hit by one of them at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Answered just within the time limit.
    Slow,
    /// Lost on the way.
    TimedOut,
    /// Given up, and applied at once after that.
    LateAtOnce,
    /// Given up, and applied after the next attempt's first request was answered.
    LateDuring,
    /// Given up, and applied when all is over.
    LateAtLast,
    /// 409 or 412 without a reason, once.
    Conflict,
    /// 409 or 412 without a reason, to every PUT of the attempt.
    Conflicts,
    /// 403.
    Forbidden,
    /// 404: the container is missing, and may be created.
    NoContainer,
    /// 404: the container is missing, and its creation meets 503 with `Retry-After`.
    NoContainerThrottled,
    /// 404, and again after it was created.
    ContainerVanishes,
    /// 429 with `Retry-After`.
    Throttled,
    /// 500, nothing done.
    ErrorBefore,
    /// 500, but done.
    ErrorAfter,
    /// Connection refused.
    Refused,
}

/// For the first PUT of an attempt.
const FIRST: &[Fault] = &[
    Fault::None,
    Fault::Slow,
    Fault::TimedOut,
    Fault::LateAtOnce,
    Fault::LateDuring,
    Fault::LateAtLast,
    Fault::Conflict,
    Fault::Conflicts,
    Fault::Forbidden,
    Fault::NoContainer,
    Fault::NoContainerThrottled,
    Fault::ContainerVanishes,
    Fault::Throttled,
    Fault::ErrorBefore,
    Fault::ErrorAfter,
    Fault::Refused,
];

/// For a first PUT whose condition does not hold: landing late, it is only lost.
const FIRST_REFUSED: &[Fault] = &[
    Fault::None,
    Fault::Slow,
    Fault::TimedOut,
    Fault::Conflicts,
    Fault::Forbidden,
    Fault::NoContainer,
    Fault::Throttled,
    Fault::ErrorBefore,
    Fault::Refused,
];

/// For the HEAD after a conflict.
const READ: &[Fault] = &[Fault::None, Fault::TimedOut];

/// For the PUT after that HEAD.
const SECOND: &[Fault] = &[Fault::None, Fault::LateDuring, Fault::LateAtLast];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepts,
    Refuses,
    Hangs,
}

const ANSWERS: &[Answer] = &[Answer::Accepts, Answer::Refuses, Answer::Hangs];

/// What the server asks for with its k-th 429: kept, nothing, more than is granted.
pub(super) const RETRY_AFTER: [Duration; 4] = [
    Duration::from_secs(7),
    Duration::from_secs(0),
    Duration::from_secs(45),
    Duration::from_secs(1),
];

#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) started: Instant,
    pub(super) ended: Option<Instant>,
    /// `None`: given up.
    pub(super) result: Option<Result<Put, StoreError>>,
}

impl Attempt {
    pub(super) fn failed(&self) -> bool {
        !matches!(self.result, Some(Ok(_)))
    }

    /// What the server asked for; not by the product's own reading of its errors.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let error = self.result.as_ref()?.as_ref().err()?;
        match error {
            StoreError::NoContainer(source) => asked(source),
            error => asked(error),
        }
    }
}

/// What was seen of one delivery.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) faults: Vec<Fault>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) overlapped: bool,
    pub(super) puts: usize,
    pub(super) heads: usize,
    pub(super) creates: usize,
    pub(super) read: Vec<Origin>,
    pub(super) notices: Vec<Instant>,
    pub(super) complete_notices: usize,
    pub(super) answer: Option<Answer>,
    pub(super) answered: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) storage: Storage,
    pub(super) choices: Choices,
    /// No faults, nothing to choose.
    pub(super) calm: bool,
    /// Leaves out what cannot differ.
    pub(super) prunes: bool,
    pub(super) seen: Seen,
    hit: Option<Fault>,
    puts_of_attempt: usize,
    creation_throttled: bool,
    late_during: Vec<Upload>,
    late_at_once: Vec<Upload>,
    late_at_last: Vec<Upload>,
}

#[derive(Clone, Debug)]
pub(super) struct World(Arc<Mutex<State>>);

impl World {
    pub(super) fn new(storage: Storage, choices: Choices) -> Self {
        Self(Arc::new(Mutex::new(State {
            storage,
            choices,
            calm: true,
            prunes: true,
            seen: Seen::default(),
            hit: None,
            puts_of_attempt: 0,
            creation_throttled: false,
            late_during: Vec::new(),
            late_at_once: Vec::new(),
            late_at_last: Vec::new(),
        })))
    }

    /// The first requests of the attempts meet these faults, and the fallback accepts.
    pub(super) fn scripted(faults: &[Fault]) -> Self {
        let index = |fault| FIRST.iter().position(|one| one == fault).unwrap();
        let script: Vec<_> = faults.iter().map(|fault| index(fault) as u8).collect();
        let world = Self::new(Storage::new(), Choices::fixed(&script));
        world.state().prunes = false;
        world
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    pub(super) fn land_everything_late(&mut self) {
        for late in [
            std::mem::take(&mut self.late_at_once),
            std::mem::take(&mut self.late_during),
            std::mem::take(&mut self.late_at_last),
        ] {
            self.land(&late);
        }
    }

    fn land(&mut self, late: &[Upload]) {
        for upload in late {
            self.storage.put(upload);
        }
    }

    /// What happens to this request.
    fn fault(&mut self, of: &[Fault]) -> Fault {
        if self.calm {
            return Fault::None;
        }
        if let Some(hit) = self.hit {
            let lasts = matches!(hit, Fault::Conflicts | Fault::ContainerVanishes);
            return if lasts && of != READ {
                hit
            } else {
                Fault::None
            };
        }
        let fault = of[self.choices.choose(of.len())];
        self.seen.faults.push(fault);
        if fault != Fault::None {
            self.hit = Some(fault);
        }
        fault
    }

    fn put_fault(&mut self, upload: &Upload) -> Fault {
        self.seen.puts += 1;
        self.puts_of_attempt += 1;
        self.fault(match self.puts_of_attempt {
            1 if self.prunes && !self.storage.applies(upload) => FIRST_REFUSED,
            1 => FIRST,
            _ => SECOND,
        })
    }

    fn apply(&mut self, upload: &Upload) -> PutReply {
        let reply = self.storage.put(upload);
        let late = std::mem::take(&mut self.late_during);
        self.land(&late);
        reply
    }

    fn throttled(&self) -> StoreError {
        let earlier = self.seen.attempts.len() - 1;
        refused(503, Some(RETRY_AFTER[earlier]))
    }
}

fn asked(error: &StoreError) -> Option<Duration> {
    match error {
        StoreError::Storage(StorageError::Refused { retry_after, .. }) => *retry_after,
        _ => None,
    }
}

fn refused(status: u16, retry_after: Option<Duration>) -> StoreError {
    StorageError::Refused {
        status,
        code: None,
        retry_after,
    }
    .into()
}

impl BlobService for World {
    async fn put_blob(&self, order: &Order, condition: &Condition) -> Result<PutReply, StoreError> {
        let upload = Upload::of(order, condition);
        let fault = self.state().put_fault(&upload);
        match fault {
            Fault::None => return Ok(self.state().apply(&upload)),
            Fault::Slow => {
                sleep(super::ATTEMPT - Duration::from_millis(2)).await;
                return Ok(self.state().apply(&upload));
            }
            Fault::Conflict | Fault::Conflicts => return Ok(PutReply::Conflict),
            Fault::NoContainer | Fault::ContainerVanishes => return Ok(PutReply::NoContainer),
            Fault::NoContainerThrottled => {
                self.state().creation_throttled = true;
                return Ok(PutReply::NoContainer);
            }
            Fault::Forbidden => return Err(refused(403, None)),
            Fault::Throttled => return Err(self.state().throttled()),
            Fault::ErrorBefore => return Err(refused(500, None)),
            Fault::ErrorAfter => {
                self.state().apply(&upload);
                return Err(refused(500, None));
            }
            Fault::Refused => return Err(StorageError::Unreachable("refused".to_owned()).into()),
            Fault::LateAtOnce => self.state().late_at_once.push(upload),
            Fault::LateDuring => self.state().late_during.push(upload),
            Fault::LateAtLast => self.state().late_at_last.push(upload),
            Fault::TimedOut => {}
        }
        pending().await
    }

    async fn head_blob(&self, session: &SessionId) -> Result<Option<Head>, StoreError> {
        let fault = self.state().fault(READ);
        self.state().seen.heads += 1;
        if fault == Fault::TimedOut {
            pending::<()>().await;
        }
        let mut state = self.state();
        let head = state.storage.head(session);
        if let Some(head) = &head {
            state.seen.read.push(head.stored.origin.clone());
        }
        Ok(head)
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.seen.creates += 1;
        if state.creation_throttled {
            return Err(state.throttled());
        }
        Ok(())
    }
}

/// The real store, with every attempt written down; for a control, by another rule.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) store: BlobStore<World>,
    pub(super) world: World,
    ruled: Option<Ruled<World>>,
}

impl Watched {
    pub(super) fn new(world: &World, rule: Option<Rule>) -> Self {
        Self {
            store: BlobStore::new(world.clone()),
            world: world.clone(),
            ruled: rule.map(|rule| Ruled::new(world.clone(), rule)),
        }
    }
}

/// Ends its attempt, come what may.
struct Running<'a>(&'a World);

impl<'a> Running<'a> {
    fn start(world: &'a World) -> Self {
        let mut state = world.state();
        state.hit = None;
        state.puts_of_attempt = 0;
        state.creation_throttled = false;
        let seen = &mut state.seen;
        seen.overlapped |= seen.attempts.iter().any(|attempt| attempt.ended.is_none());
        seen.attempts.push(Attempt {
            started: Instant::now(),
            ended: None,
            result: None,
        });
        Self(world)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let late = std::mem::take(&mut state.late_at_once);
        state.land(&late);
        if let Some(attempt) = state.seen.attempts.last_mut() {
            attempt.ended = Some(Instant::now());
        }
    }
}

impl OrderStore for Watched {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let _running = Running::start(&self.world);
        let result = match &self.ruled {
            None => self.store.put(order).await,
            Some(ruled) => ruled.put(order).await,
        };
        if let Some(attempt) = self.world.state().seen.attempts.last_mut() {
            attempt.result = Some(result.clone());
        }
        result
    }
}

impl Fallback for World {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let answer = {
            let mut state = self.state();
            let late = std::mem::take(&mut state.late_during);
            state.land(&late);
            state.seen.notices.push(Instant::now());
            let whole = notice
                .order
                .is_none_or(|order| order.body == notice.delivery.body);
            state.seen.complete_notices += usize::from(whole);
            let answer = ANSWERS[state.choices.choose(ANSWERS.len())];
            state.seen.answer = Some(answer);
            state.seen.answered = Some(Instant::now());
            answer
        };
        match answer {
            Answer::Accepts => Ok(()),
            Answer::Refuses => Err(FallbackError::Refused(500)),
            Answer::Hangs => pending().await,
        }
    }
}
