//! Dead letters: how a message becomes one, and how it goes.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::State;
use crate::queue::LockLost;
use crate::queue::backlog::Waiting;
use crate::queue::message::{DeadLetter, DeadLetterReason};
use crate::queue::transition::Transition;

impl State {
    /// Gives up on a message.
    pub(super) fn bury(&mut self, waiting: Waiting, reason: DeadLetterReason, at: OffsetDateTime) {
        self.latest = self.latest.max(Some(at));
        let letter = DeadLetter {
            accepted: waiting.accepted,
            delivery_count: waiting.deliveries,
            at,
            reason,
        };
        self.transitions.push(Transition::dead_lettered(&letter));
        self.dead.bury(letter);
    }

    /// Puts a letter among the dead as it is; numbers given later are higher than its own.
    pub(in crate::queue) fn bury_letter(&mut self, letter: DeadLetter) {
        self.number(&letter.accepted);
        self.transitions.extend([
            Transition::Accepted(Arc::new(letter.accepted.clone())),
            Transition::dead_lettered(&letter),
        ]);
        self.dead.bury(letter);
    }

    pub(in crate::queue) fn complete_letter(
        &mut self,
        token: Uuid,
        now: OffsetDateTime,
    ) -> Result<(), LockLost> {
        let sequence = self.dead.complete(token, now)?.accepted.sequence;
        self.transitions
            .push(Transition::LetterCompleted { sequence });
        Ok(())
    }
}
