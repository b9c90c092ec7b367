//! `dead-letters redrive`: every letter through the function's own reservation, with its own
//! number and time; deleted only when its order is stored, superseded or handed over.
//!
//! Never a resend: the broker would give the letter a new number, and an old cart would be the
//! newest. A letter whose place in the queue is not certain is left alone for the same reason.

pub mod careful;
pub mod plan;
mod tally;

use std::{future::Future, io::Write, pin::pin};

use order_items_reserver::{
    fallback::{Fallback, Reason},
    reserve::{Outcome, Reservation, Reserver, Settlement},
    store::{OrderStore, StoreError},
};
use tokio::time::sleep;

use crate::{
    bus::{Bus, BusError},
    letter::{Letter, Lock},
    text::harmless,
    walk::{End, Filter, Walk, WalkError},
};
pub use tally::Tally;

/// So many letters in a row that the storage did not take end the run: each costs four attempts,
/// and the next thousand would fare alike.
pub const OUTAGE_AFTER: usize = 3;

/// What became of one letter.
#[derive(Debug)]
pub enum Ended {
    /// It is deleted: its order is where it belongs.
    Settled(Outcome),
    /// Its order is where it belongs. Whether it is deleted, only the next look at the queue tells.
    PerhapsDeleted(Outcome),
    /// It is in the queue still, as far as is known.
    Left {
        /// Why.
        why: String,
        /// The storage did not take it.
        outage: bool,
    },
}

/// Sends `letters` of the walk through `reserver`, and tells of each on `progress`.
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
    progress: &mut dyn Write,
) -> Result<Tally, WalkError> {
    let mut tally = Tally::default();
    let mut failed_in_a_row = 0;
    loop {
        if filter.is_full(tally.taken()) {
            return Ok(tally.ended(End::Limit));
        }
        if failed_in_a_row == OUTAGE_AFTER {
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
            Ended::Left { outage: true, .. } => failed_in_a_row += 1,
            Ended::Left { .. } => {}
            Ended::Settled(_) | Ended::PerhapsDeleted(_) => failed_in_a_row = 0,
        }
        if let Ended::Left { .. } = ended {
            walk.hold(lock);
        }
        tally.count(&ended);
        // Who closed the output still wants the letters settled.
        writeln!(progress, "{:>6}  {}", tally.taken(), line(&letter, &ended)).ok();
    }
}

async fn settle<S: OrderStore, F: Fallback>(
    bus: &Bus,
    reserver: &Reserver<S, F>,
    letter: &Letter,
    lock: &Lock,
) -> Ended {
    let left = |why: String| Ended::Left { why, outage: false };
    if let Some(why) = letter.displaced() {
        return left(why);
    }
    let reserving = reserver.reserve_at_once(&letter.delivery);
    let (reservation, still_locked) = while_locked(bus, lock, reserving).await;
    let outcome = match &reservation.settlement {
        Settlement::Complete(outcome) => *outcome,
        Settlement::Abandon(error) => {
            return Ended::Left {
                why: why_left(&reservation, &error.to_string()),
                outage: is_outage(&reservation),
            };
        }
    };
    let deleted = match still_locked {
        true => bus.delete(lock).await,
        false => Err(BusError::LockLost),
    };
    match deleted {
        Ok(()) => Ended::Settled(outcome),
        Err(BusError::PerhapsDeleted) => Ended::PerhapsDeleted(outcome),
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

/// A person has to see what is unreadable or contradictory; anything else is the storage's fault.
fn is_outage(reservation: &Reservation) -> bool {
    match &reservation.reason {
        Some(Reason::NotConfirmed(exhausted)) => {
            !matches!(exhausted.last, StoreError::Contradictory { .. })
        }
        Some(Reason::Unreadable(_)) | None => false,
    }
}

fn why_left(reservation: &Reservation, fallback: &str) -> String {
    match &reservation.reason {
        Some(reason) => format!("{reason}; {fallback}"),
        None => fallback.to_owned(),
    }
}

fn line(letter: &Letter, ended: &Ended) -> String {
    let session = letter.delivery.session_id.as_deref().unwrap_or("-");
    let ended = match ended {
        Ended::Settled(outcome) => word(*outcome).to_owned(),
        Ended::PerhapsDeleted(outcome) => {
            format!("{}; {}", word(*outcome), BusError::PerhapsDeleted)
        }
        Ended::Left { why, .. } => format!("LEFT: {}", harmless(why)),
    };
    format!("#{}  {}  {ended}", letter.sequence, harmless(session))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Stored => "stored",
        Outcome::Superseded => "superseded",
        Outcome::HandedOver => "handed over",
    }
}
