//! Messages that no receiver is handed unasked: those set aside, which are asked for by their
//! numbers, and those whose time has not come.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::{Waiting, session_of};
use super::delivery::Taker;
use crate::queue::message::{Accepted, Delivery};
use crate::queue::outcome::{NoSuchNumber, SessionLost};
use crate::queue::transition::Transition;

/// Scheduled messages by their times; of one time, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    by_time: BTreeMap<(OffsetDateTime, u64), Arc<Accepted>>,
    times: HashMap<u64, OffsetDateTime>,
}

impl Schedule {
    pub(super) fn insert(&mut self, accepted: Arc<Accepted>) {
        let due = due(&accepted);
        self.times.insert(accepted.sequence, due);
        self.by_time.insert((due, accepted.sequence), accepted);
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<Arc<Accepted>> {
        let due = self.times.remove(&sequence)?;
        self.by_time.remove(&(due, sequence))
    }

    pub(super) fn first_due(&self) -> Option<OffsetDateTime> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    fn pop_due(&mut self, now: OffsetDateTime) -> Option<Arc<Accepted>> {
        let (due, sequence) = *self.by_time.first_key_value()?.0;
        (due <= now).then(|| self.remove(sequence))?
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Accepted>> {
        self.by_time.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}

/// When a scheduled message is due; one without a time is due at once.
pub(super) fn due(accepted: &Accepted) -> OffsetDateTime {
    let properties = &accepted.message.properties;
    properties.scheduled_enqueue.unwrap_or(accepted.enqueued)
}

impl State {
    /// Scheduled messages whose time has come wait from then on, each as if it were sent at that
    /// moment: under a new number, and with its id remembered anew.
    pub(super) fn enqueue_due(&mut self, now: OffsetDateTime) {
        while let Some(message) = self.schedule.pop_due(now) {
            // Not `now`: nobody may have looked for a while. Nor before what came meanwhile.
            let enqueued = self
                .latest
                .map_or(due(&message), |latest| latest.max(due(&message)));
            let scheduled = message.sequence;
            let message = Arc::unwrap_or_clone(message).message;
            let accepted = self.stamped(message, self.last_sequence + 1, enqueued);
            let accepted = Arc::new(accepted);
            self.transitions.push(Transition::Due {
                scheduled,
                accepted: Arc::clone(&accepted),
            });
            self.take(accepted);
        }
    }

    /// Calls scheduled messages off: all of these, or none.
    pub(in crate::queue) fn cancel_scheduled(
        &mut self,
        numbers: &[u64],
        now: OffsetDateTime,
    ) -> Result<(), NoSuchNumber> {
        self.pass_time(now);
        let missing = |number: &&u64| !self.schedule.times.contains_key(*number);
        if let Some(missing) = numbers.iter().find(missing) {
            return Err(NoSuchNumber::Scheduled(*missing));
        }
        for sequence in numbers {
            if self.schedule.remove(*sequence).is_some() {
                let sequence = *sequence;
                self.transitions.push(Transition::Cancelled { sequence });
            }
        }
        Ok(())
    }

    /// Hands out deferred messages by their numbers: all of these, or none. On a queue with
    /// sessions they have to be of the session that is held under the token.
    pub(in crate::queue) fn receive_deferred(
        &mut self,
        numbers: &[u64],
        session: Option<Uuid>,
        taker: Taker,
        now: OffsetDateTime,
    ) -> Result<Result<Vec<Delivery>, NoSuchNumber>, SessionLost> {
        self.pass_time(now);
        let (mut until, mut of) = (now + self.options.lock_duration, None);
        if self.options.sessions {
            let lock = self.held(session.ok_or(SessionLost)?)?;
            (until, of) = (lock.locked_until, Some(lock.session_id.clone()));
        }
        let is_there = |number: &u64| {
            let message = self.deferred.get(number);
            let in_session =
                |session: &str, message: &Waiting| session_of(&message.accepted) == session;
            message.is_some_and(|it| of.as_deref().is_none_or(|session| in_session(session, it)))
        };
        if let Some(missing) = numbers.iter().find(|number| !is_there(number)) {
            return Ok(Err(NoSuchNumber::Deferred(*missing)));
        }
        let mut deliveries = Vec::with_capacity(numbers.len());
        for number in numbers {
            // A number that is named twice is handed out once.
            if let Some(message) = self.deferred.remove(number) {
                deliveries.push(self.hand_out(message, until, taker, now));
            }
        }
        Ok(Ok(deliveries))
    }
}
