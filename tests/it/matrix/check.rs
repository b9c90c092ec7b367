//! What must hold of one delivery, whatever happened to it.

use std::time::Duration;

use order_items_reserver::store::{Put, StoreError};
use tokio::time::Instant;

use super::world::{Answer, Attempt, Seen};
use super::{Cast, Violation};
use crate::model::storage::Content;

/// The promise, in figures of its own: one attempt and three retries, ...
const ATTEMPTS_MAX: usize = 4;
/// ... as much patience as a server can ask for, ...
const RETRY_AFTER_MAX: Duration = Duration::from_secs(20);
/// ... and the longest brake before a redelivery.
const REDELIVERY_WAIT_MAX_SECS: u64 = 60;

/// Timers of the runtime tick in milliseconds.
const TICK: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stored,
    Superseded,
    HandedOver,
    Abandoned,
}

/// One delivery from its start to the last late write.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) seen: Seen,
    pub(super) end: End,
    pub(super) attempts: u32,
    pub(super) has_reason: bool,
    pub(super) delivery_count: u32,
    pub(super) started: Instant,
    pub(super) ended: Instant,
    /// What the blob held when the delivery ended.
    pub(super) stored: Option<Content>,
    /// How the session's next order ended, on a healthy storage.
    pub(super) next: Result<Put, StoreError>,
    /// What is wrong with everything ever written.
    pub(super) history: Vec<Violation>,
}

pub(super) fn check(observed: &Observed, cast: &Cast) -> Vec<Violation> {
    let mut violations = observed.history.clone();
    let mut must = |invariant, holds: bool, what: &str| {
        if !holds {
            violations.push(Violation(invariant, what.to_owned()));
        }
    };
    durable(observed, cast, &mut must);
    attempts(observed, cast, &mut must);
    settled(observed, &mut must);
    superseded(observed, cast, &mut must);
    in_time(observed, &mut must);
    must(
        "S2",
        !cast.is_doubtful() || matches!(observed.end, End::HandedOver | End::Abandoned),
        "what nobody can compare was settled without a person",
    );
    must(
        "L2",
        observed.next == Ok(Put::Stored),
        "the next order was not stored",
    );
    violations
}

/// S1: acknowledged is durable.
fn durable(observed: &Observed, cast: &Cast, must: &mut impl FnMut(&'static str, bool, &str)) {
    let ours = &cast.ours;
    let holds = match observed.end {
        End::Stored => observed.stored.as_ref() == Some(&ours.content()),
        End::Superseded => {
            let stored = observed.stored.as_ref().map(|stored| &stored.origin);
            stored.is_some_and(|stored| cast.is_newer(stored))
        }
        End::HandedOver => observed.seen.answer == Some(Answer::Accepts),
        End::Abandoned => true,
    };
    must("S1", holds, "acknowledged, but nobody has it");
}

/// S4: one to four attempts, one after the other, spaced; then, and only then, the fallback.
fn attempts(observed: &Observed, cast: &Cast, must: &mut impl FnMut(&'static str, bool, &str)) {
    let seen = &observed.seen;
    let count = seen.attempts.len();
    must(
        "S4",
        (1..=ATTEMPTS_MAX).contains(&count),
        "not 1 to 4 attempts",
    );
    must(
        "S4",
        count == observed.attempts as usize,
        "attempts miscounted",
    );
    must("S4", !seen.overlapped, "attempts overlapped");
    // Who has no place reads first, and may have to leave it at that.
    let tried = match cast.ours.position {
        Some(_) => seen.puts,
        None => seen.heads,
    };
    must("S4", tried >= count, "an attempt without a request");
    let all_failed = count == ATTEMPTS_MAX && seen.attempts.iter().all(Attempt::failed);
    must(
        "S4",
        seen.notices.len() == usize::from(all_failed),
        "the fallback is for when all attempts failed",
    );
    must(
        "S7",
        seen.complete_notices == seen.notices.len(),
        "a notice without the order",
    );
    let retried = seen
        .attempts
        .split_last()
        .map_or(&[][..], |(_, retried)| retried);
    must(
        "S4",
        retried.iter().all(Attempt::failed),
        "a success was retried",
    );
    for (earlier, pair) in seen.attempts.windows(2).enumerate() {
        let [failed, next] = pair else { continue };
        let Some(ended) = failed.ended else { continue };
        let waited = next.started - ended;
        let asked = failed
            .retry_after()
            .unwrap_or_default()
            .min(RETRY_AFTER_MAX);
        let longest = (super::BACKOFF * 2_u32.pow(u32::try_from(earlier).unwrap())).max(asked);
        must("S4", waited >= asked, "came back sooner than asked for");
        must(
            "S4",
            waited <= longest + TICK,
            "waited longer than the back-off",
        );
    }
}

/// S5: one end, which fits what happened.
fn settled(observed: &Observed, must: &mut impl FnMut(&'static str, bool, &str)) {
    let answer = observed.seen.answer;
    let fits = match observed.end {
        End::Stored | End::Superseded => answer.is_none() && !observed.has_reason,
        End::HandedOver => answer == Some(Answer::Accepts) && observed.has_reason,
        End::Abandoned => {
            matches!(answer, Some(Answer::Refuses | Answer::Hangs)) && observed.has_reason
        }
    };
    must("S5", fits, "the end does not fit what happened");
}

/// S6: only what was read in this delivery supersedes.
fn superseded(observed: &Observed, cast: &Cast, must: &mut impl FnMut(&'static str, bool, &str)) {
    let mut read = observed.seen.read.iter();
    let proven = read.any(|read| cast.is_newer(read));
    must(
        "S6",
        observed.end != End::Superseded || proven,
        "superseded without proof",
    );
}

/// L3 and the brake before a redelivery.
fn in_time(observed: &Observed, must: &mut impl FnMut(&'static str, bool, &str)) {
    let seen = &observed.seen;
    for attempt in &seen.attempts {
        let took = attempt.ended.map(|ended| ended - attempt.started);
        let limited = took.is_some_and(|took| took <= super::ATTEMPT + TICK);
        must("L3", limited, "an attempt without a limit");
    }
    if let (Some(notified), Some(attempt)) = (seen.notices.first(), seen.attempts.last()) {
        let at_once = attempt.ended.is_some_and(|ended| *notified - ended <= TICK);
        must("L3", at_once, "a wait before the fallback");
    }
    if let Some(asked) = seen.answered {
        let answer = match seen.answer {
            Some(Answer::Hangs) => super::FALLBACK,
            _ => Duration::ZERO,
        };
        let wait = match observed.end {
            End::Abandoned => redelivery_wait(observed.delivery_count),
            _ => Duration::ZERO,
        };
        let (took, expected) = (observed.ended - asked, answer + wait);
        let right = took >= expected && took <= expected + 2 * TICK;
        must("S5", right, "not the wait that a redelivery needs");
    }
    let took = observed.ended - observed.started;
    must(
        "L3",
        took < Duration::from_secs(5 * 60),
        "longer than the host waits",
    );
}

/// 1, 2, 4 … 60 s.
fn redelivery_wait(delivery_count: u32) -> Duration {
    let seconds = 2_u64.pow(delivery_count.max(1) - 1);
    Duration::from_secs(seconds.min(REDELIVERY_WAIT_MAX_SECS))
}
