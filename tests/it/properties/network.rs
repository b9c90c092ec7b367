//! A network on which every request waits until the schedule says what becomes of it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::order::{Order, SessionId};
use order_items_reserver::store::blob::{BlobService, BlobStore, Condition, Head, PutReply};
use order_items_reserver::store::{OrderStore, Origin, Put, StoreError};
use storage_account::StorageError;

use crate::model::rules::{Rule, Ruled};
use crate::model::storage::{Storage, Upload};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Served,
    /// Served, and an intermediary sends it a second time, whenever it likes.
    ServedTwice,
    /// Never arrives; nobody says so.
    Lost,
    /// Served, but the answer never arrives.
    AnswerLost,
    /// 500, nothing done.
    Failed,
    /// 500, but done.
    FailedAfter,
    /// 503 with `Retry-After`.
    Throttled,
    /// 409 or 412 without a reason.
    Conflict,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Put(Upload),
    Head(SessionId),
    Create,
    Notify,
}

#[derive(Debug)]
enum Answer {
    Put(Result<PutReply, StoreError>),
    Head(Result<Option<Head>, StoreError>),
    Create(Result<(), StoreError>),
    Notify(Result<(), FallbackError>),
}

#[derive(Debug)]
struct Request {
    id: u64,
    delivery: usize,
    kind: Kind,
    /// Nothing will happen to it any more.
    decided: bool,
    answer: Option<Answer>,
    /// Who waits for it.
    waker: Option<Waker>,
}

/// What was seen of one delivery.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    message_id: Option<String>,
    pub(super) attempts: usize,
    pub(super) running: usize,
    pub(super) overlapped: bool,
    pub(super) failed: usize,
    pub(super) read: Vec<Origin>,
    pub(super) notices: usize,
    pub(super) wrong_notices: usize,
    pub(super) accepted: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) storage: Storage,
    /// PUTs that nobody waits for any more, and that may land all the same.
    pub(super) late: Vec<Upload>,
    /// How many of them did, and were not refused.
    pub(super) landed: usize,
    pub(super) seen: Vec<Seen>,
    /// Whose turn it is: the first delivery of an invocation.
    pub(super) delivery: usize,
    /// Which delivery of an invocation is at a session now: one after the other is.
    trying: HashMap<(usize, SessionId), usize>,
    requests: Vec<Request>,
    ids: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Network(Arc<Mutex<State>>);

impl Network {
    pub(super) fn new(storage: Storage) -> Self {
        Self(Arc::new(Mutex::new(State {
            storage,
            late: Vec::new(),
            landed: 0,
            seen: Vec::new(),
            delivery: 0,
            trying: HashMap::new(),
            requests: Vec::new(),
            ids: 0,
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn send(&self, kind: Kind, delivery: Option<usize>) -> Waiting<'_> {
        let mut state = self.state();
        state.ids += 1;
        let (id, delivery) = (state.ids, delivery.unwrap_or(state.delivery));
        state.requests.push(Request {
            id,
            delivery,
            kind,
            decided: false,
            answer: None,
            waker: None,
        });
        Waiting { network: self, id }
    }
}

impl State {
    /// Hands these out as one invocation: the first of their deliveries.
    pub(super) fn hand_out(&mut self, message_ids: impl IntoIterator<Item = String>) -> usize {
        let first = self.seen.len();
        self.seen.extend(message_ids.into_iter().map(|id| Seen {
            message_id: Some(id),
            ..Seen::default()
        }));
        first
    }

    /// The delivery of this message in the invocation whose turn it is.
    fn of_message(&self, message_id: Option<&String>) -> usize {
        let turn = self.seen.iter().enumerate().skip(self.delivery);
        let mut of_it = turn.filter(|(_, seen)| seen.message_id.as_ref() == message_id);
        of_it.next().expect("it was handed out").0
    }

    fn at_session(&self, session: &SessionId) -> Option<usize> {
        self.trying.get(&(self.delivery, session.clone())).copied()
    }

    /// How many requests wait for their fate.
    pub(super) fn undecided(&self) -> usize {
        self.requests.iter().filter(|one| !one.decided).count()
    }

    /// Decides one of the requests that wait.
    pub(super) fn decide(&mut self, pick: usize, fate: Fate) {
        let count = self.undecided();
        let mut waiting = self.requests.iter_mut().filter(|one| !one.decided);
        let Some(request) = pick.checked_rem(count).and_then(|at| waiting.nth(at)) else {
            return;
        };
        request.decided = true;
        let (kind, delivery) = (request.kind.clone(), request.delivery);
        let at = request.id;
        let answer = self.answer(&kind, fate, delivery);
        if let Some(request) = self.requests.iter_mut().find(|one| one.id == at) {
            request.answer = answer;
            request.waker.take().inspect(Waker::wake_by_ref);
        }
    }

    fn answer(&mut self, kind: &Kind, fate: Fate, delivery: usize) -> Option<Answer> {
        let error = match fate {
            Fate::Lost => return None,
            Fate::Failed => Some(refused(500, None)),
            Fate::Throttled => Some(refused(503, Some(Duration::from_secs(3)))),
            Fate::Conflict => None,
            Fate::Served | Fate::ServedTwice | Fate::AnswerLost | Fate::FailedAfter => {
                let answer = self.serve(kind, fate, delivery);
                return (fate != Fate::AnswerLost).then_some(answer);
            }
        };
        Some(match (kind, error) {
            (Kind::Put(_), None) => Answer::Put(Ok(PutReply::Conflict)),
            (Kind::Put(_), Some(error)) => Answer::Put(Err(error)),
            (Kind::Head(_), error) => Answer::Head(Err(error.unwrap_or(refused(500, None)))),
            (Kind::Create, error) => Answer::Create(Err(error.unwrap_or(refused(500, None)))),
            (Kind::Notify, _) => Answer::Notify(Err(FallbackError::Refused(500))),
        })
    }

    fn serve(&mut self, kind: &Kind, fate: Fate, delivery: usize) -> Answer {
        let error = (fate == Fate::FailedAfter).then(|| refused(500, None));
        let seen = &mut self.seen[delivery];
        match kind {
            Kind::Put(upload) => {
                if fate == Fate::ServedTwice {
                    self.late.push(upload.clone());
                }
                let reply = self.storage.put(upload);
                Answer::Put(error.map_or(Ok(reply), Err))
            }
            Kind::Head(session) => {
                let head = self.storage.head(session);
                let origin = head.as_ref().map(|head| head.stored.origin.clone());
                seen.read.extend(origin);
                Answer::Head(error.map_or(Ok(head), Err))
            }
            Kind::Create => {
                self.storage.has_container = true;
                Answer::Create(error.map_or(Ok(()), Err))
            }
            Kind::Notify if error.is_some() => Answer::Notify(Err(FallbackError::Refused(500))),
            Kind::Notify => {
                seen.accepted |= fate != Fate::AnswerLost;
                Answer::Notify(Ok(()))
            }
        }
    }

    /// Lands one late PUT.
    pub(super) fn land(&mut self, pick: usize) {
        if let Some(at) = pick.checked_rem(self.late.len()) {
            let upload = self.late.remove(at);
            let reply = self.storage.put(&upload);
            self.landed += usize::from(matches!(reply, PutReply::Written(_)));
        }
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

/// A client that waits.
struct Waiting<'a> {
    network: &'a Network,
    id: u64,
}

impl Future for Waiting<'_> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.network.state();
        let mut requests = state.requests.iter_mut();
        let Some(request) = requests.find(|one| one.id == self.id) else {
            return Poll::Pending;
        };
        match request.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                request.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting<'_> {
    /// Nobody waits any more: the request is on its way all the same.
    fn drop(&mut self) {
        let mut state = self.network.state();
        let at = state.requests.iter().position(|one| one.id == self.id);
        let request = at.map(|at| state.requests.remove(at));
        if let Some(Request {
            kind: Kind::Put(upload),
            decided: false,
            ..
        }) = request
        {
            state.late.push(upload);
        }
    }
}

impl BlobService for Network {
    async fn put_blob(&self, order: &Order, condition: &Condition) -> Result<PutReply, StoreError> {
        let delivery = self.state().at_session(&order.session);
        let upload = Kind::Put(Upload::of(order, condition));
        match self.send(upload, delivery).await {
            Answer::Put(reply) => reply,
            other => panic!("{other:?} to a PUT"),
        }
    }

    async fn head_blob(&self, session: &SessionId) -> Result<Option<Head>, StoreError> {
        let delivery = self.state().at_session(session);
        match self.send(Kind::Head(session.clone()), delivery).await {
            Answer::Head(reply) => reply,
            other => panic!("{other:?} to a HEAD"),
        }
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        match self.send(Kind::Create, None).await {
            Answer::Create(reply) => reply,
            other => panic!("{other:?} to a creation"),
        }
    }
}

impl Fallback for Network {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let body = notice
            .order
            .map(|order| order.body.clone())
            .unwrap_or_default();
        let delivery = {
            let mut state = self.state();
            let delivery = state.of_message(notice.delivery.message_id.as_ref());
            let seen = &mut state.seen[delivery];
            seen.notices += 1;
            seen.wrong_notices += usize::from(body != notice.delivery.body);
            delivery
        };
        match Self::send(self, Kind::Notify, Some(delivery)).await {
            Answer::Notify(reply) => reply,
            other => panic!("{other:?} to a notice"),
        }
    }
}

/// A store under test.
pub(super) trait Protocol: OrderStore {
    fn over(network: Network) -> Self;
}

impl Protocol for BlobStore<Network> {
    fn over(network: Network) -> Self {
        Self::new(network)
    }
}

/// For the control: PUT, and nothing else. Its storage must not heed conditions.
pub(super) struct Unconditional(Network);

impl Protocol for Unconditional {
    fn over(network: Network) -> Self {
        Self(network)
    }
}

impl OrderStore for Unconditional {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        match self.0.put_blob(order, &Condition::Absent).await? {
            PutReply::Written(_) => Ok(Put::Stored),
            PutReply::Conflict | PutReply::NoContainer => Err(StoreError::ContainerVanished),
        }
    }
}

/// For the control: takes a conflict for a newer order.
pub(super) struct Credulous(Network);

impl Protocol for Credulous {
    fn over(network: Network) -> Self {
        Self(network)
    }
}

impl OrderStore for Credulous {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        match self.0.put_blob(order, &Condition::Absent).await? {
            PutReply::Conflict => Ok(Put::Superseded),
            PutReply::Written(_) => Ok(Put::Stored),
            PutReply::NoContainer => Err(StoreError::ContainerVanished),
        }
    }
}

/// For the controls: the product's protocol, by another rule.
macro_rules! ruled {
    ($($rule:ident)*) => {
        $(pub(super) struct $rule(Ruled<Network>);

        impl Protocol for $rule {
            fn over(network: Network) -> Self {
                Self(Ruled::new(network, Rule::$rule))
            }
        }

        impl OrderStore for $rule {
            async fn put(&self, order: &Order) -> Result<Put, StoreError> {
                self.0.put(order).await
            }
        })*
    };
}

ruled! { WholeNumbers AnyMessageId UnplacedWins FilesAreOlder }

/// A store whose attempts are written down.
pub(super) struct Watched<P> {
    pub(super) store: P,
    pub(super) network: Network,
}

/// Ends its attempt, come what may.
struct Running {
    network: Network,
    delivery: usize,
    succeeded: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let seen = &mut self.network.state().seen[self.delivery];
        seen.running -= 1;
        seen.failed += usize::from(!self.succeeded);
    }
}

impl<P: Protocol> OrderStore for Watched<P> {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let delivery = {
            let mut state = self.network.state();
            let delivery = state.of_message(order.message_id.as_ref());
            let key = (state.delivery, order.session.clone());
            state.trying.insert(key, delivery);
            let seen = &mut state.seen[delivery];
            seen.attempts += 1;
            seen.running += 1;
            seen.overlapped |= seen.running > 1;
            delivery
        };
        let mut running = Running {
            network: self.network.clone(),
            delivery,
            succeeded: false,
        };
        let result = self.store.put(order).await;
        running.succeeded = result.is_ok();
        result
    }
}
