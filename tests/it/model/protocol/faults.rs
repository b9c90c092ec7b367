//! What goes wrong: requests and answers that are lost or late, crashes, and people.

use super::{
    Aim, Answer, ByHand, Handler, Phase, Protocol, State, Successor, Variant, Work, late_bit, push,
    step,
};

impl Protocol {
    /// A lost request, a lost answer, a slow one: to the handler all the same.
    pub(super) fn fail(&self, state: &State, work: Work, successors: &mut Vec<Successor>) {
        let mut next = *state;
        match work.phase {
            Phase::Mailing | Phase::Settling(_) => {}
            phase => {
                next.let_go(work.message, phase);
                self.next_attempt(&mut next, work);
                push(successors, "times out", work, next);
                if self.variant == Variant::Chosen && matches!(phase, Phase::PutSent(_)) {
                    let mut next = *state;
                    next.resume(work, Phase::PutAnswered(Answer::Conflict));
                    push(successors, "PUT is refused without a reason", work, next);
                }
            }
        }
        self.refuse_mails(state, work, successors);
        self.end_in_vain(state, work, successors);
        for message in work.batch.locked() {
            if state.queue[usize::from(message) - 1].deliveries_left == 0 {
                continue;
            }
            let mut next = *state;
            next.queued(message).visible = true;
            let batch = work.batch.without_lock(message);
            next.resume(Work { batch, ..work }, work.phase);
            push(successors, "loses its lock", Work { message, ..work }, next);
        }
    }

    pub(super) fn land(&self, state: &State, message: u8, successors: &mut Vec<Successor>) {
        for aim in [Aim::Current, Aim::Absent, Aim::Anything] {
            let bit = late_bit(message, aim);
            if state.late & bit == 0 {
                continue;
            }
            let mut next = *state;
            next.late &= !bit;
            let (_, broken) = next.put(message, aim, self.by_hand);
            successors.push(Successor {
                step: step("late PUT lands", message, None),
                state: next,
                broken,
            });
        }
    }

    /// Somebody saves a newer file than what is there, or deletes it.
    pub(super) fn act_by_hand(&self, state: &State, successors: &mut Vec<Successor>) {
        let file = (1..)
            .zip(&self.entries)
            .find_map(|(number, entry)| entry.order.is_none().then_some(number));
        let (what, blob) = match (self.by_hand, file) {
            (ByHand::Saves, Some(file)) if state.blob < file => ("saves the file by hand", file),
            (ByHand::Deletes | ByHand::DeletesForGood, _) if state.blob != 0 => {
                ("deletes the file by hand", 0)
            }
            _ => return,
        };
        if !state.by_hand_left {
            return;
        }
        let mut next = *state;
        next.by_hand_left = false;
        if blob == 0 {
            next.deleted = state.blob;
        }
        next.blob = blob;
        next.changed(self.by_hand);
        successors.push(Successor {
            step: step(what, blob, None),
            state: next,
            broken: None,
        });
    }

    /// A process is killed: at any point, with all that it was doing.
    pub(super) fn crash(&self, state: &State, successors: &mut Vec<Successor>) {
        let processes: &[&[usize]] = if self.shared_memory {
            &[&[0, 1]]
        } else {
            &[&[0], &[1]]
        };
        for &process in processes {
            let mut next = *state;
            for &handler in process {
                next.remembers[handler] = false;
                if let Handler::Busy {
                    batch,
                    message,
                    phase,
                    ..
                } = state.handlers[handler]
                {
                    next.let_go(message, phase);
                    next.handlers[handler] = Handler::Idle;
                    for message in batch.locked() {
                        next.queued(message).visible = true;
                    }
                }
            }
            if next != *state {
                successors.push(Successor {
                    step: step("crashes", 0, Some(process[0])),
                    state: next,
                    broken: None,
                });
            }
        }
    }
}
