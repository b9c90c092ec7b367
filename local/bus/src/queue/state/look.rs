//! What the queue shows of itself: messages without taking them, counts, and who holds what.

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use super::backlog::session_of;
use super::locks::Locked;
use crate::queue::message::Accepted;
use crate::queue::outcome::{Counts, HeldLock, MessageState, Peeked};

impl State {
    pub(in crate::queue) fn counts(&mut self, now: OffsetDateTime) -> Counts {
        self.pass_time(now);
        Counts {
            active: self.backlog.len(),
            locked: self.locked.len(),
            dead_lettered: self.dead.len(),
            deferred: self.deferred.len(),
            scheduled: self.schedule.len(),
        }
    }

    /// Every message that is no dead letter, oldest first.
    pub(in crate::queue) fn peek(&mut self, now: OffsetDateTime) -> Vec<Peeked> {
        self.peek_from(0, usize::MAX, None, now)
    }

    /// Messages with this number or a higher one, oldest first, at most so many: those of a
    /// session, or all.
    pub(in crate::queue) fn peek_from(
        &mut self,
        number: u64,
        count: usize,
        session: Option<&str>,
        now: OffsetDateTime,
    ) -> Vec<Peeked> {
        self.pass_time(now);
        let is_meant = |accepted: &Accepted| {
            accepted.sequence >= number
                && session.is_none_or(|session| session_of(accepted) == session)
        };
        // Both are in order, so that no more of them are copied than are asked for.
        let waiting = self.backlog.from(number);
        let waiting = waiting.filter(|it| is_meant(&it.accepted)).take(count);
        let deferred = self.deferred.range(number..).map(|(_, message)| message);
        let deferred = deferred.filter(|it| is_meant(&it.accepted)).take(count);
        let free = waiting.chain(deferred).map(|message| message.peeked(None));
        let locked = self.locked.values();
        let locked = locked.filter(|locked| is_meant(&locked.message.accepted));
        let locked = locked.map(Locked::peeked);
        let scheduled = self.schedule.iter().filter(|accepted| is_meant(accepted));
        let scheduled = scheduled.map(|accepted| Peeked {
            accepted: Accepted::clone(accepted),
            state: MessageState::Scheduled,
            delivery_count: 0,
            locked_until: None,
        });
        let mut all: Vec<_> = free.chain(locked).chain(scheduled).collect();
        all.sort_by_key(|peeked| peeked.accepted.sequence);
        all.truncate(count);
        all
    }

    /// The message with this number, if it is no dead letter and was not called off.
    pub(in crate::queue) fn find(&self, sequence: u64) -> Option<Peeked> {
        let waiting = self.backlog.get(sequence);
        let waiting = waiting.or_else(|| self.deferred.get(&sequence));
        let mut locked = self.locked.values();
        waiting.map(|message| message.peeked(None)).or_else(|| {
            let found = locked.find(|locked| locked.message.accepted.sequence == sequence);
            found.map(Locked::peeked)
        })
    }

    /// The message that is handed out under this lock.
    pub(in crate::queue) fn handed_out(&self, lock_token: Uuid) -> Option<Peeked> {
        self.locked.get(lock_token).map(Locked::peeked)
    }

    /// Who holds which message since when, in the order of their numbers.
    pub(in crate::queue) fn held_locks(&mut self, now: OffsetDateTime) -> Vec<HeldLock> {
        self.pass_time(now);
        let locked = self.locked.values().map(|locked| HeldLock {
            sequence: locked.message.accepted.sequence,
            session_id: locked
                .message
                .accepted
                .message
                .properties
                .session_id
                .clone(),
            dead_letter: false,
            by: locked.by,
            since: locked.since,
            until: locked.until,
        });
        let mut held: Vec<_> = locked.chain(self.dead.held_locks(now)).collect();
        held.sort_by_key(|lock| lock.sequence);
        held
    }
}
