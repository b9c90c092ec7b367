//! `dead-letters redrive`: every letter through the function's own reservation, with its own
//! number and time; deleted only when its order is stored, superseded or handed over.
//!
//! Never a resend: the broker would give the letter a new number, and an old cart would be the
//! newest. A letter whose place in the queue is not certain is left alone for the same reason.

pub mod plan;

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::pin::pin;

use order_items_reserver::fallback::{Fallback, FallbackError, Notice, Reason};
use order_items_reserver::reserve::{Outcome, Reservation, Reserver, Settlement};
use order_items_reserver::store::{Doubt, OrderStore, StoreError};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bus::{Bus, BusError};
use crate::letter::{Letter, Lock};
use crate::text::{counted, harmless};
use crate::walk::{Filter, Walk, WalkEnd, WalkError};

/// So many letters in a row that the storage did not take end the run: each costs four attempts,
/// and the next thousand would fare alike.
pub const UNSTORED_IN_A_ROW_MAX: usize = 3;

/// What to do about an order whose time alone tells whether it is newer.
const TRUST_TIMES: &str =
    "--trust-times goes by them, if dead letters keep the time at which the queue accepted them";

/// How each letter is told of, and where.
pub enum Told<'a> {
    /// For a person.
    Lines(&'a mut dyn Write),
    /// For programs.
    Json(&'a mut dyn Write),
}

impl fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lines(_) => "Lines",
            Self::Json(_) => "Json",
        })
    }
}

/// What became of one letter.
#[derive(Debug)]
pub enum LetterOutcome {
    /// It is deleted: its order is where it belongs.
    Settled(Outcome),
    /// Its order is where it belongs. Whether it is deleted, only the next look at the queue tells.
    PerhapsDeleted(Outcome),
    /// It is in the queue still, as far as is known.
    Left {
        /// Why.
        why: String,
        /// The storage did not take it.
        unstored: bool,
    },
}

/// Sends the letters of `walk` that `filter` takes through `reserver`, and tells of each.
///
/// Letters that stay are held until the walk gives them back, so that none comes twice.
///
/// # Errors
/// When the queue cannot be read any more.
pub async fn run<S: OrderStore, F: Fallback>(
    bus: &Bus,
    walk: &mut Walk<'_>,
    filter: &Filter,
    reserver: &Reserver<S, F>,
    told: &mut Told<'_>,
) -> Result<Tally, WalkError> {
    let mut tally = Tally::default();
    let mut unstored_in_a_row = 0;
    loop {
        if filter.is_full(tally.taken()) {
            return Ok(tally.ended(WalkEnd::Limit));
        }
        if unstored_in_a_row == UNSTORED_IN_A_ROW_MAX {
            return Ok(tally.broken_off());
        }
        let (letter, lock) = match walk.next().await? {
            Ok(next) => next,
            Err(end) => return Ok(tally.ended(end)),
        };
        if !filter.takes(&letter) {
            walk.hold(lock);
            continue;
        }
        let ended = Box::pin(settle(bus, reserver, &letter, &lock)).await;
        match &ended {
            LetterOutcome::Left { unstored: true, .. } => unstored_in_a_row += 1,
            LetterOutcome::Left { .. } => {}
            LetterOutcome::Settled(_) | LetterOutcome::PerhapsDeleted(_) => unstored_in_a_row = 0,
        }
        if let LetterOutcome::Left { .. } = ended {
            walk.hold(lock);
        }
        tally.count(&ended);
        // Who closed the output still wants the letters settled.
        match told {
            Told::Lines(out) => writeln!(out, "{:>6}  {}", tally.taken(), line(&letter, &ended)),
            Told::Json(out) => writeln!(out, "{}", record(&letter, &ended)),
        }
        .ok();
    }
}

async fn settle<S: OrderStore, F: Fallback>(
    bus: &Bus,
    reserver: &Reserver<S, F>,
    letter: &Letter,
    lock: &Lock,
) -> LetterOutcome {
    let left = |why: String| LetterOutcome::Left {
        why,
        unstored: false,
    };
    if let Some(why) = letter.doubtful_position() {
        return left(why);
    }
    let reserving = reserver.reserve_at_once(&letter.delivery);
    let (reservation, still_locked) = while_locked(bus, lock, reserving).await;
    let outcome = match &reservation.settlement {
        Settlement::Complete(outcome) => *outcome,
        Settlement::Abandon(error) => {
            return LetterOutcome::Left {
                why: why_left(&reservation, &error.to_string()),
                unstored: reservation.reason.as_ref().is_some_and(is_unstored),
            };
        }
    };
    let deleted = match still_locked {
        true => bus.delete(lock).await,
        false => Err(BusError::LockLost),
    };
    match deleted {
        Ok(()) => LetterOutcome::Settled(outcome),
        Err(BusError::PerhapsDeleted) => LetterOutcome::PerhapsDeleted(outcome),
        // Harmless: the next run finds the order stored, or hands it over once more.
        Err(error) => {
            let not = if error.is_unclear() {
                "not known to be deleted"
            } else {
                "not deleted"
            };
            left(format!("{}, but {not}: {error}", word(outcome)))
        }
    }
}

/// Brings `work` to its end and renews the lock meanwhile; false when the lock was lost. Even
/// then the work is not cut off: it may be half-way, and it harms nobody who has the letter now.
async fn while_locked<T>(bus: &Bus, lock: &Lock, work: impl Future<Output = T>) -> (T, bool) {
    let mut work = pin!(work);
    let mut lost = pin!(async {
        loop {
            sleep(lock.renewal).await;
            if let Err(BusError::LockLost) = bus.renew(lock).await {
                return;
            }
        }
    });
    tokio::select! {
        biased;
        done = &mut work => return (done, true),
        () = &mut lost => {}
    }
    (work.await, false)
}

/// Whose case a reservation is that stored nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    /// A person's: unreadable, or nobody can tell which order is newer.
    Person,
    /// The operator's, who may say that the letters' times are to be trusted.
    Operator,
    /// The storage's fault.
    Storage,
}

fn case(reason: &Reason) -> Case {
    match reason {
        Reason::Unreadable(_) => Case::Person,
        Reason::NotConfirmed(exhausted) => match exhausted.last {
            StoreError::Contradictory(Doubt::TimeAlone { .. }) => Case::Operator,
            StoreError::Contradictory(_) => Case::Person,
            _ => Case::Storage,
        },
    }
}

fn is_unstored(reason: &Reason) -> bool {
    case(reason) == Case::Storage
}

/// A fallback for people's own cases: it hands over what is unreadable or contradictory, and what
/// the storage did not take only if told so.
///
/// While the function runs, a store that is down means a mail, for the message would end among the
/// dead. Here it is there already and safe: a thousand mails would tell nobody more than "the
/// storage is down", and take a thousand orders off the queue that a second run can store.
#[derive(Debug)]
pub struct SelectiveFallback<F> {
    /// Who takes it.
    pub fallback: F,
    /// Also what the storage did not take.
    pub unstored_too: bool,
}

impl<F: Fallback> Fallback for SelectiveFallback<F> {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let is_mailed = match case(notice.reason) {
            Case::Person => true,
            Case::Operator => false,
            Case::Storage => self.unstored_too,
        };
        if is_mailed {
            self.fallback.send(notice).await
        } else {
            Err(FallbackError::Withheld)
        }
    }
}

fn why_left(reservation: &Reservation, fallback: &str) -> String {
    match &reservation.reason {
        Some(reason) if case(reason) == Case::Operator => format!("{reason}; {TRUST_TIMES}"),
        Some(reason) => format!("{reason}; {fallback}"),
        None => fallback.to_owned(),
    }
}

fn line(letter: &Letter, ended: &LetterOutcome) -> String {
    let session = letter.delivery.session_id.as_deref().unwrap_or("-");
    let ended = match ended {
        LetterOutcome::Settled(outcome) => word(*outcome).to_owned(),
        LetterOutcome::PerhapsDeleted(outcome) => {
            format!("{}; {}", word(*outcome), BusError::PerhapsDeleted)
        }
        LetterOutcome::Left { why, .. } => format!("LEFT: {}", harmless(why)),
    };
    format!("#{}  {}  {ended}", letter.sequence, harmless(session))
}

fn record(letter: &Letter, ended: &LetterOutcome) -> Value {
    let (outcome, deleted, why) = match ended {
        LetterOutcome::Settled(outcome) => (word(*outcome), Some(true), None),
        LetterOutcome::PerhapsDeleted(outcome) => (word(*outcome), None, None),
        LetterOutcome::Left { why, .. } => ("left", Some(false), Some(why)),
    };
    json!({
        "sequenceNumber": letter.sequence,
        "sessionId": letter.delivery.session_id,
        "outcome": outcome,
        "deleted": deleted,
        "why": why,
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Stored => "stored",
        Outcome::Superseded => "superseded",
        Outcome::HandedOver => "handed over",
    }
}

/// What became of the letters of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stored and deleted.
    pub stored: usize,
    /// Older than what is stored, and deleted.
    pub superseded: usize,
    /// Mailed and deleted.
    pub handed_over: usize,
    /// Still in the queue, as far as is known.
    pub left: usize,
    /// Stored, superseded or mailed, and perhaps still in the queue.
    pub unconfirmed: usize,
    /// Why the run ended; `None` when the storage failed too often.
    pub end: Option<WalkEnd>,
}

impl Tally {
    fn count(&mut self, ended: &LetterOutcome) {
        *match ended {
            LetterOutcome::Settled(Outcome::Stored) => &mut self.stored,
            LetterOutcome::Settled(Outcome::Superseded) => &mut self.superseded,
            LetterOutcome::Settled(Outcome::HandedOver) => &mut self.handed_over,
            LetterOutcome::PerhapsDeleted(_) => &mut self.unconfirmed,
            LetterOutcome::Left { .. } => &mut self.left,
        } += 1;
    }

    fn ended(self, end: WalkEnd) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }

    fn broken_off(self) -> Self {
        Self { end: None, ..self }
    }

    /// As programs read it.
    #[must_use]
    pub fn record(&self, locked_by_others: u64) -> Value {
        json!({
            "deadLetters": self.taken(),
            "stored": self.stored,
            "superseded": self.superseded,
            "handedOver": self.handed_over,
            "left": self.left,
            "perhapsNotDeleted": self.unconfirmed,
            "lockedByOthers": locked_by_others,
            "ended": match self.end {
                Some(WalkEnd::Empty) => "empty",
                Some(WalkEnd::Limit) => "limit",
                Some(WalkEnd::Interrupted) => "interrupted",
                Some(WalkEnd::LocksTooShort) => "locks too short",
                None => "storage down",
            },
        })
    }

    /// Letters dealt with.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.stored + self.superseded + self.handed_over + self.left + self.unconfirmed
    }

    /// Whether everything that was asked for is done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left + self.unconfirmed == 0
            && matches!(self.end, Some(WalkEnd::Empty | WalkEnd::Limit))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stored,
            superseded,
            handed_over,
            left,
            unconfirmed,
            end,
        } = self;
        let letters = counted(self.taken());
        write!(
            f,
            "{letters}: {stored} stored, {superseded} superseded, {handed_over} handed over, {left} left"
        )?;
        if *unconfirmed > 0 {
            write!(
                f,
                ", {unconfirmed} settled but perhaps not deleted; run again to see"
            )?;
        }
        match end {
            Some(WalkEnd::Empty | WalkEnd::Limit) => Ok(()),
            Some(WalkEnd::Interrupted) => write!(f, "; interrupted"),
            Some(WalkEnd::LocksTooShort) => write!(f, "; locks end too soon, run again"),
            None => write!(
                f,
                "; stopped, for the storage did not take {UNSTORED_IN_A_ROW_MAX} letters in a row"
            ),
        }
    }
}
