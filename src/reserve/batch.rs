//! Many messages at once: of a session's neighbours only the newest is uploaded, and the others
//! share its fate. Sessions run beside each other, bounded; the broker is told one thing of all.
//!
//! Of one session uploads come one after the other, as their orders came. A mail goes on beside
//! them: it changes no file, and a workflow that hangs must not keep a newer order waiting.
//!
//! The host completes all messages of a batch or none, runs one batch at a time, and renews no lock
//! meanwhile. So a batch has an end: what has not begun by then is given back untried, while its
//! messages are still locked.

use std::collections::HashMap;
use std::mem::{replace, take};
use std::num::NonZeroUsize;
use std::time::Duration;
use std::vec::IntoIter;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{GivenBack, Outcome, Reservation, Reserver, Settlement, redelivery_wait};
use crate::fallback::{Fallback, Reason};
use crate::order::{Delivery, Order, SessionId};
use crate::progress;
use crate::store::OrderStore;

/// Mails of one batch that are under way at a time. An outage of the storage makes a mail of every
/// session, and mail services count how many come at once.
pub const MAILS_AT_ONCE: usize = 8;

/// How far one batch may go.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Sessions that are worked on beside each other.
    pub sessions_at_once: NonZeroUsize,
    /// From when its request was read to its answer.
    pub time: Duration,
}

/// An order at its index in the batch.
struct Item {
    at: usize,
    order: Order,
}

/// Neighbours of one session of which the newest alone is uploaded.
struct Run {
    newest: Item,
    older: Vec<Item>,
}

/// What there is to do, beside all else.
enum Work {
    /// Uploads of one session, one after the other.
    Upload(Session),
    Mail(Box<Unstored>),
}

impl Work {
    fn upload(runs: Vec<Run>, first: bool) -> Self {
        let runs = runs.into_iter();
        Self::Upload(Session { runs, first })
    }
}

/// What is left to upload of one session, in the order in which it came.
struct Session {
    runs: IntoIter<Run>,
    /// Begins in any case: that its time suffices was checked when the program began.
    first: bool,
}

/// An order that goes to a person, and those that share its fate.
struct Unstored {
    at: usize,
    /// `None` when the message is unreadable.
    order: Option<Order>,
    reason: Reason,
    older: Vec<Item>,
}

/// What follows a piece of work.
enum Next {
    /// The session is done with uploads, and another one may begin.
    Session,
    /// A mail, and the rest of the session beside it.
    Mail(Box<Unstored>, Session),
    Nothing,
}

/// A batch under way.
struct Batch<'a, S, F, E> {
    reserver: &'a Reserver<S, F>,
    deliveries: &'a [Delivery],
    /// Is told how each message ended, when it did.
    ended: E,
    /// Uploads begin until then: there is time for all attempts and the fallback.
    upload_until: Instant,
    /// The fallback is called until then: there is time for its answer.
    mail_until: Instant,
    mails: Semaphore,
}

impl<S: OrderStore, F: Fallback> Reserver<S, F> {
    /// Brings the messages of one batch to their end, tells `ended` of each when it is there, and
    /// returns all in the batch's order.
    ///
    /// An order that gives way to a newer one of the batch ([`crate::order::Position::gives_way_to`])
    /// is [`Outcome::Superseded`] once that is stored, superseded by what is stored, or handed over;
    /// until then it is as little done as that. All else is as in [`Self::reserve`], but for the wait
    /// before a redelivery: the whole batch comes again, so it waits once, for as long as the
    /// message waits that was delivered most often of those that are given back, and no longer than
    /// the batch has time. Who took long has braked enough.
    pub async fn reserve_all(
        &self,
        deliveries: &[Delivery],
        ended: impl Fn(&Delivery, &Reservation) + Sync,
    ) -> Vec<Reservation> {
        let end = Instant::now() + self.batch.time;
        let before_end = |time| end.checked_sub(time).unwrap_or(end);
        let batch = Batch {
            reserver: self,
            deliveries,
            ended,
            upload_until: before_end(self.retry.budget() + self.fallback_timeout),
            mail_until: before_end(self.fallback_timeout),
            mails: Semaphore::new(MAILS_AT_ONCE),
        };
        let mut reservations = batch.run().await;
        reservations.sort_unstable_by_key(|(at, _)| *at);
        let wait = reservations
            .iter()
            .filter(|(_, reservation)| reservation.is_given_back())
            .filter_map(|(at, _)| deliveries.get(*at).map(redelivery_wait))
            .max();
        if let Some(wait) = wait {
            let until = end.min(Instant::now() + wait);
            for delivery in deliveries {
                progress::gives_back(delivery, until.saturating_duration_since(Instant::now()));
            }
            sleep_until(until).await;
        }
        reservations.into_iter().map(|(_, it)| it).collect()
    }
}

impl<S, F, E> Batch<'_, S, F, E>
where
    S: OrderStore,
    F: Fallback,
    E: Fn(&Delivery, &Reservation) + Sync,
{
    async fn run(&self) -> Vec<(usize, Reservation)> {
        let (unreadable, sessions) = planned(self.deliveries);
        let mut waiting = sessions.into_iter();
        let at_once = self.reserver.batch.sessions_at_once.get();
        let first = waiting.by_ref().take(at_once);
        let first = first.map(|runs| Work::upload(runs, true));
        let mails = unreadable.into_iter().map(|one| Work::Mail(Box::new(one)));
        let mut running: FuturesUnordered<_> =
            first.chain(mails).map(|work| self.bring_on(work)).collect();
        let mut reservations = Vec::with_capacity(self.deliveries.len());
        while let Some((done, next)) = running.next().await {
            reservations.extend(done);
            match next {
                Next::Session => {
                    let next = waiting.next().map(|runs| Work::upload(runs, false));
                    running.extend(next.map(|work| self.bring_on(work)));
                }
                Next::Mail(unstored, session) => {
                    running.push(self.bring_on(Work::Mail(unstored)));
                    running.push(self.bring_on(Work::Upload(session)));
                }
                Next::Nothing => {}
            }
        }
        reservations
    }

    async fn bring_on(&self, work: Work) -> (Vec<(usize, Reservation)>, Next) {
        let mut done = Vec::new();
        let next = match work {
            Work::Upload(session) => self.upload(session, &mut done).await,
            Work::Mail(unstored) => {
                self.mail(*unstored, &mut done).await;
                Next::Nothing
            }
        };
        (done, next)
    }

    /// Up to the first order that is not stored.
    async fn upload(&self, mut session: Session, done: &mut Vec<(usize, Reservation)>) -> Next {
        while let Some(Run { newest, older }) = session.runs.next() {
            let in_time = take(&mut session.first) || Instant::now() <= self.upload_until;
            if !in_time {
                let reservation = given_back(newest.order, GivenBack::OutOfTime);
                self.end_run(newest.at, reservation, older, done);
                continue;
            }
            match self.reserver.store(newest.order).await {
                Ok(reservation) => self.end_run(newest.at, reservation, older, done),
                Err((order, reason)) => {
                    let unstored = Unstored {
                        at: newest.at,
                        order: Some(order),
                        reason,
                        older,
                    };
                    return Next::Mail(Box::new(unstored), session);
                }
            }
        }
        Next::Session
    }

    async fn mail(&self, unstored: Unstored, done: &mut Vec<(usize, Reservation)>) {
        let Unstored {
            at,
            order,
            reason,
            older,
        } = unstored;
        let reservation = self.hand_over(at, order, reason).await;
        self.end_run(at, reservation, older, done);
    }

    /// The older ones are superseded once somebody has the newest, and not before.
    fn end_run(
        &self,
        at: usize,
        reservation: Reservation,
        older: Vec<Item>,
        done: &mut Vec<(usize, Reservation)>,
    ) {
        let is_done = !reservation.is_given_back();
        self.end(at, reservation, done);
        for Item { at, order } in older {
            let reservation = match is_done {
                true => superseded(order),
                false => given_back(order, GivenBack::NewerOpen),
            };
            self.end(at, reservation, done);
        }
    }

    /// As [`Reserver::hand_over`], when it is its turn.
    async fn hand_over(&self, at: usize, order: Option<Order>, reason: Reason) -> Reservation {
        let turn = timeout_at(self.mail_until, self.mails.acquire()).await;
        let (Ok(Ok(_turn)), Some(delivery)) = (turn, self.deliveries.get(at)) else {
            return Reservation {
                settlement: Settlement::Abandon(GivenBack::OutOfTime),
                order,
                attempts: reason.attempts(),
                reason: Some(reason),
            };
        };
        self.reserver.hand_over(delivery, order, reason).await
    }

    fn end(&self, at: usize, reservation: Reservation, done: &mut Vec<(usize, Reservation)>) {
        if let Some(delivery) = self.deliveries.get(at) {
            (self.ended)(delivery, &reservation);
        }
        done.push((at, reservation));
    }
}

fn superseded(order: Order) -> Reservation {
    Reservation {
        settlement: Settlement::Complete(Outcome::Superseded),
        order: Some(order),
        attempts: 0,
        reason: None,
    }
}

fn given_back(order: Order, why: GivenBack) -> Reservation {
    Reservation {
        settlement: Settlement::Abandon(why),
        order: Some(order),
        attempts: 0,
        reason: None,
    }
}

/// What is unreadable, and the runs of each session, in the order in which they came.
fn planned(deliveries: &[Delivery]) -> (Vec<Unstored>, Vec<Vec<Run>>) {
    let (mut unreadable, mut plan) = (Vec::new(), Vec::<Vec<Run>>::new());
    let mut sessions: HashMap<SessionId, usize> = HashMap::new();
    for (at, delivery) in deliveries.iter().enumerate() {
        let order = match Order::parse(delivery) {
            Ok(order) => order,
            Err(error) => {
                unreadable.push(Unstored {
                    at,
                    order: None,
                    reason: Reason::Unreadable(error),
                    older: Vec::new(),
                });
                continue;
            }
        };
        let place = *sessions
            .entry(order.session.clone())
            .or_insert_with(|| plan.len());
        let item = Item { at, order };
        match plan.get_mut(place) {
            Some(runs) => join(runs, item),
            None => plan.push(vec![Run::of(item)]),
        }
    }
    (unreadable, plan)
}

/// Adds the session's next order: to the last run, if one of the two gives way to the other.
///
/// Runs are of neighbours alone. An order in between that cannot be compared with both could have
/// met the older one in the file: whether it is stored or goes to a person would then depend on how
/// the queue was cut into batches.
fn join(runs: &mut Vec<Run>, item: Item) {
    match runs.last_mut() {
        Some(run) if gives_way(&run.newest, &item) => {
            let older = replace(&mut run.newest, item);
            run.older.push(older);
        }
        Some(run) if gives_way(&item, &run.newest) => run.older.push(item),
        _ => runs.push(Run::of(item)),
    }
}

fn gives_way(older: &Item, newer: &Item) -> bool {
    match (older.order.position, newer.order.position) {
        (Some(older), Some(newer)) => older.gives_way_to(newer),
        _ => false,
    }
}

impl Run {
    fn of(newest: Item) -> Self {
        Self {
            newest,
            older: Vec::new(),
        }
    }
}
