//! Looking at the marks: what nobody sends for is found, and a mark too many is taken away.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::delivery::Delivery;
use crate::carts::{Carts, CartsError, Clock, Look};
use crate::store::{CartStore, RecordName, Version};

/// Records that one sweep reads. What is left is for the next: in a long outage there are thousands
/// of marks, and nothing can be sent anyway.
const LOOKS_MAX: usize = 256;

/// How long a record that cannot be read is left alone.
const UNREADABLE_WAIT: Duration = Duration::from_secs(60);

/// Longer than clocks are apart.
const SKEW: Duration = Duration::from_secs(3);

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Found {
    /// What nobody sends for.
    pub free: Vec<Delivery>,
    /// What others send for.
    pub others: HashSet<RecordName>,
    /// Records that cannot be read.
    pub unreadable: usize,
    /// Why the marks cannot be listed.
    pub store_problem: Option<String>,
}

/// What was seen at a mark, so that not every sweep reads every record.
#[derive(Debug)]
struct Seen {
    mark: Version,
    state: State,
    again: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Others,
    Clean,
    Unreadable,
}

/// The marks, as they were seen last.
#[derive(Debug, Default)]
pub struct Sweep {
    seen: HashMap<RecordName, Seen>,
    /// It is told once.
    unreachable: bool,
}

impl Sweep {
    /// Looks at all marks but those of records that this instance `holds` already.
    pub async fn look<S: CartStore, C: Clock>(
        &mut self,
        carts: &Carts<S, C>,
        holds: impl Fn(&RecordName) -> bool,
    ) -> Found {
        let mut found = Found::default();
        let marks = match carts.marks().await {
            Ok(marks) => marks,
            Err(problem) => {
                if !std::mem::replace(&mut self.unreachable, true) {
                    warn!(%problem, "the marks cannot be listed");
                }
                found.store_problem = Some(problem.to_string());
                return found;
            }
        };
        self.unreachable = false;
        let there: HashSet<RecordName> = marks.iter().map(|(name, _)| *name).collect();
        self.seen.retain(|name, _| there.contains(name));
        let now = Instant::now();
        let mut looks = 0;
        for (name, mark) in marks {
            let seen = self.seen.get(&name).filter(|seen| seen.mark == mark);
            let due = seen.is_none_or(|seen| seen.again <= now);
            if holds(&name) || !due || looks == LOOKS_MAX {
                continue;
            }
            looks += 1;
            let was_clean = seen.is_some_and(|seen| seen.state == State::Clean);
            if let Err(problem) = self.look_at(carts, name, mark, was_clean, &mut found).await {
                found.store_problem = Some(problem.to_string());
                break;
            }
        }
        for (name, seen) in &self.seen {
            match seen.state {
                State::Others => drop(found.others.insert(*name)),
                State::Unreadable => found.unreadable += 1,
                State::Clean => {}
            }
        }
        found
    }

    /// A mark on a clean record may be a click's that is about to write: it goes only when it is
    /// still the same at the next look, so that no click is disturbed.
    async fn look_at<S: CartStore, C: Clock>(
        &mut self,
        carts: &Carts<S, C>,
        name: RecordName,
        mark: Version,
        was_clean: bool,
        found: &mut Found,
    ) -> Result<(), CartsError> {
        let (state, wait) = match carts.look(&name).await {
            Ok(Look::Owes(since)) => {
                info!(record = %name, "an order that nobody sends is taken over");
                self.seen.remove(&name);
                found.free.push(Delivery::of_mark(name, mark, since));
                return Ok(());
            }
            Ok(Look::Others(left)) => (State::Others, left + SKEW),
            Ok(Look::Clean) if was_clean => {
                carts.tidy(&name, &mark).await?;
                (State::Clean, Duration::ZERO)
            }
            Ok(Look::Clean) => (State::Clean, Duration::ZERO),
            Err(problem @ CartsError::Unreadable(..)) => {
                error!(%problem, "its orders cannot be sent; it waits for a person");
                (State::Unreadable, UNREADABLE_WAIT)
            }
            Err(problem) => return Err(problem),
        };
        let again = Instant::now() + wait;
        self.seen.insert(name, Seen { mark, state, again });
        Ok(())
    }
}
