//! Where a receiver's messages come from: a queue or its dead letters, behind the same verbs.

use time::OffsetDateTime;
use uuid::Uuid;

use super::refusal::AmqpRefusal;
use crate::queue::{
    Accepted, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, LockLost, MessageState,
    NoSuchNumber, Peeked, PropertyChanges, Queue, SessionLost, Taker,
};

#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) queue: Queue,
    pub(super) dead_letters: bool,
}

/// A message on its way to a receiver.
#[derive(Debug)]
pub(super) struct HandedOut {
    pub(super) token: Uuid,
    pub(super) accepted: Accepted,
    /// Hand-outs, this one included.
    pub(super) delivery_count: u32,
    pub(super) locked_until: Option<OffsetDateTime>,
    pub(super) state: MessageState,
    /// Of a dead letter.
    pub(super) reason: Option<DeadLetterReason>,
}

/// What a receiver wishes to become of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Settlement {
    Complete,
    /// It has not looked at it.
    GiveBack,
    Abandon(PropertyChanges),
    Defer(PropertyChanges),
    DeadLetter(DeadLetterReason, PropertyChanges),
}

impl Source {
    /// The next message that waits, of a session if one is named.
    pub(super) fn next(
        &self,
        session: Option<Uuid>,
        taker: Taker,
    ) -> Result<Option<HandedOut>, SessionLost> {
        if self.dead_letters {
            let letter = self.queue.try_receive_dead_letter_by(taker, false);
            return Ok(letter.map(HandedOut::from));
        }
        let delivery = match session {
            Some(session) => self.queue.try_receive_in_session_by(session, taker)?,
            None => self.queue.try_receive_by(taker),
        };
        Ok(delivery.map(HandedOut::from))
    }

    /// Messages that were set aside.
    pub(super) fn by_numbers(
        &self,
        numbers: &[u64],
        session: Option<Uuid>,
        taker: Taker,
    ) -> Result<Result<Vec<HandedOut>, NoSuchNumber>, SessionLost> {
        let aside = |mut it: HandedOut| {
            it.state = MessageState::Deferred;
            it
        };
        if self.dead_letters {
            let letters = self.queue.receive_deferred_letters_by(numbers, taker);
            let letters = letters.map(|all| all.into_iter().map(HandedOut::from).map(aside));
            return Ok(letters.map(Iterator::collect));
        }
        let received = self.queue.receive_deferred_by(numbers, session, taker)?;
        Ok(received.map(|all| all.into_iter().map(HandedOut::from).map(aside).collect()))
    }

    pub(super) fn peek(&self, from: u64, count: usize, session: Option<&str>) -> Vec<HandedOut> {
        if self.dead_letters {
            let mut letters = self.queue.dead_letters();
            letters.retain(|letter| letter.accepted.sequence >= from);
            letters.sort_by_key(|letter| letter.accepted.sequence);
            return letters.into_iter().take(count).map(Into::into).collect();
        }
        let peeked = self.queue.peek_from(from, count, session).into_iter();
        peeked.map(HandedOut::from).collect()
    }

    pub(super) fn settle(&self, token: Uuid, settlement: Settlement) -> Result<(), AmqpRefusal> {
        let queue = &self.queue;
        let settled = match (settlement, self.dead_letters) {
            (Settlement::Complete, false) => queue.complete(token),
            (Settlement::Complete, true) => queue.complete_dead_letter(token),
            (Settlement::GiveBack, false) => queue.give_back(token),
            (Settlement::GiveBack, true) => queue.unlock_dead_letter(token),
            (Settlement::Abandon(changes), false) => queue.abandon_with(token, changes).map(|_| ()),
            (Settlement::Abandon(changes), true) => queue.unlock_dead_letter_with(token, changes),
            (Settlement::Defer(changes), false) => queue.defer(token, changes),
            (Settlement::Defer(changes), true) => queue.defer_dead_letter(token, changes),
            (Settlement::DeadLetter(reason, changes), false) => {
                queue.dead_letter(token, reason, changes)
            }
            (Settlement::DeadLetter(..), true) => return Err(AmqpRefusal::dead_already()),
        };
        settled.map_err(|LockLost| AmqpRefusal::message_lock_lost())
    }

    pub(super) fn renew(&self, token: Uuid) -> Result<OffsetDateTime, LockLost> {
        if self.dead_letters {
            self.queue.renew_dead_letter(token)
        } else {
            self.queue.renew(token)
        }
    }
}

impl From<Delivery> for HandedOut {
    fn from(delivery: Delivery) -> Self {
        Self {
            token: delivery.lock_token,
            accepted: delivery.accepted,
            delivery_count: delivery.delivery_count,
            locked_until: Some(delivery.locked_until),
            state: MessageState::Active,
            reason: None,
        }
    }
}

impl From<DeadDelivery> for HandedOut {
    fn from(delivery: DeadDelivery) -> Self {
        Self {
            token: delivery.lock_token,
            locked_until: Some(delivery.locked_until),
            ..delivery.letter.into()
        }
    }
}

impl From<DeadLetter> for HandedOut {
    fn from(letter: DeadLetter) -> Self {
        Self {
            token: Uuid::nil(),
            accepted: letter.accepted,
            delivery_count: letter.delivery_count,
            locked_until: None,
            state: MessageState::Active,
            reason: Some(letter.reason),
        }
    }
}

impl From<Peeked> for HandedOut {
    fn from(peeked: Peeked) -> Self {
        Self {
            token: Uuid::nil(),
            accepted: peeked.accepted,
            delivery_count: peeked.delivery_count,
            locked_until: peeked.locked_until,
            state: peeked.state,
            reason: None,
        }
    }
}
