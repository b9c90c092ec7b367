//! Many messages in one invocation: which of them are tried, what shares whose fate, and what the
//! queue is told. One message alone is a batch of one.
//!
//! As in the product uploads come one after the other, mails go on beside them, and the answer is
//! one for all. The messages are of one session; what orders of another one do to them is one step:
//! they are given back, though all of this session is done.

use super::{Broken, End, Handler, MESSAGES_MAX, Phase, Protocol, State, Successor, Work, push};

/// How the messages of a batch are taken: as the product does, or by a simpler rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum BatchRule {
    Product,
    /// The one that comes last is tried, and all others share its fate.
    Last,
    /// The same for the highest number, whatever its partition and time.
    HighestNumber,
    /// Whatever no other of the batch supersedes is tried, neighbour or not.
    Newest,
    /// All are acknowledged when any is done.
    AnyIsDone,
    /// Each is settled by itself, the older ones of a run as done.
    OlderAreDone,
    /// An order whose lock has ended is left to whoever has it now, and counts as done.
    LeavesTheUnlocked,
}

/// Neighbours of which the newest alone is tried.
struct Run {
    newest: u8,
    older: Vec<u8>,
}

/// The messages of an invocation. Sets of them are bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Batch {
    /// For each message the newest of its run, which is tried in its stead; 0: not of this batch.
    tried_for: [u8; MESSAGES_MAX],
    /// Those that are to be tried yet, in their order; 0 is none.
    todo: [u8; MESSAGES_MAX - 1],
    locked: u8,
    /// With the fallback, which has not answered yet.
    mailing: u8,
    /// Tried, or out of time, and nobody has it.
    open: u8,
}

fn bit(message: u8) -> u8 {
    1 << (message - 1)
}

fn numbers(set: u8) -> impl Iterator<Item = u8> {
    (1..=u8::try_from(MESSAGES_MAX).unwrap()).filter(move |number| set & bit(*number) != 0)
}

impl Batch {
    /// And which is tried first.
    fn of(runs: &[Run]) -> (Self, u8) {
        let mut batch = Self {
            tried_for: [0; MESSAGES_MAX],
            todo: [0; MESSAGES_MAX - 1],
            locked: 0,
            mailing: 0,
            open: 0,
        };
        for Run { newest, older } in runs {
            for message in older.iter().chain([newest]) {
                batch.tried_for[usize::from(*message) - 1] = *newest;
                batch.locked |= bit(*message);
            }
        }
        let (first, rest) = runs.split_first().expect("a message");
        for (todo, run) in batch.todo.iter_mut().zip(rest) {
            *todo = run.newest;
        }
        (batch, first.newest)
    }

    /// The next to be tried.
    fn take_next(&mut self) -> Option<u8> {
        let next = self.todo[0];
        self.todo.rotate_left(1);
        *self.todo.last_mut().unwrap() = 0;
        (next != 0).then_some(next)
    }

    fn members(&self) -> u8 {
        let numbered = (1..).zip(&self.tried_for);
        let members = numbered.filter(|(_, newest)| **newest != 0);
        members.fold(0, |set, (message, _)| set | bit(message))
    }

    fn tried(&self) -> u8 {
        let newest = self.tried_for.iter().filter(|newest| **newest != 0);
        newest.fold(0, |set, newest| set | bit(*newest))
    }

    /// Whose lock it holds.
    pub(super) fn locked(self) -> impl Iterator<Item = u8> {
        numbers(self.locked)
    }

    pub(super) fn holds(self, message: u8) -> bool {
        self.locked & bit(message) != 0
    }

    pub(super) fn without_lock(self, message: u8) -> Self {
        Self {
            locked: self.locked & !bit(message),
            ..self
        }
    }
}

impl State {
    /// What is stored and what is mailed.
    pub(in super::super) fn end(&self) -> (u8, u8) {
        (self.blob, self.mailed)
    }

    /// S1: the order is durable at its place or a later one, or a person has it, or the newer one
    /// in whose favour it was left out.
    fn is_safe(&self, message: u8, batch: &Batch) -> bool {
        let tried = batch.tried_for[usize::from(message) - 1];
        let mailed = |number: u8| self.mailed & bit(number) != 0;
        self.newest_stored() >= message || mailed(message) || tried > message && mailed(tried)
    }
}

impl Protocol {
    /// Every batch that the queue may hand out now, in every order.
    pub(super) fn batches(&self, state: &State) -> Vec<Vec<u8>> {
        let mut batches: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        while let Some(batch) = batches.get(at).cloned() {
            at += 1;
            if batch.len() == self.batch_max {
                continue;
            }
            for message in self.messages() {
                if !batch.contains(&message) && self.may_follow(state, &batch, message) {
                    batches.push([batch.as_slice(), &[message]].concat());
                }
            }
        }
        batches.remove(0);
        batches
    }

    fn may_follow(&self, state: &State, batch: &[u8], message: u8) -> bool {
        let queued = state.queue[usize::from(message) - 1];
        let mut earlier = (1..).zip(&state.queue).take(usize::from(message) - 1);
        let blocked = earlier.any(|(number, earlier)| {
            !earlier.done && !earlier.is_dead_letter() && !batch.contains(&number)
        });
        queued.visible && queued.deliveries_left > 0 && !(self.fifo && blocked)
    }

    pub(super) fn deliver(&self, state: &State, messages: &[u8], successors: &mut Vec<Successor>) {
        for handler in 0..2 {
            if state.handlers[handler] != Handler::Idle {
                continue;
            }
            let mut next = *state;
            for message in messages {
                next.queued(*message).visible = false;
                next.queued(*message).deliveries_left -= 1;
            }
            let (batch, message) = Batch::of(&self.runs(messages));
            let work = Work {
                handler,
                batch,
                message,
                attempt: 1,
                round: 1,
                phase: Phase::HeadSent,
            };
            self.start(&mut next, work);
            let what = match messages.len() {
                1 => "delivered",
                2 => "delivered, with another",
                _ => "delivered, with two others",
            };
            push(successors, what, work, next);
        }
    }

    /// What of a batch is tried, as `reserve::batch` has it.
    fn runs(&self, messages: &[u8]) -> Vec<Run> {
        let alone = |newest: u8| Run {
            newest,
            older: messages
                .iter()
                .copied()
                .filter(|it| *it != newest)
                .collect(),
        };
        let number = |message: &u8| self.order(*message).position.map(|it| it.sequence);
        match self.batch_rule {
            BatchRule::Last => vec![alone(*messages.last().unwrap())],
            BatchRule::HighestNumber => {
                vec![alone(messages.iter().copied().max_by_key(number).unwrap())]
            }
            BatchRule::Newest => self.newest_of_all(messages),
            _ => self.neighbours(messages),
        }
    }

    fn neighbours(&self, messages: &[u8]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for &message in messages {
            match runs.last_mut() {
                Some(run) if self.gives_way(run.newest, message) => {
                    run.older.push(std::mem::replace(&mut run.newest, message));
                }
                Some(run) if self.gives_way(message, run.newest) => run.older.push(message),
                _ => runs.push(Run {
                    newest: message,
                    older: Vec::new(),
                }),
            }
        }
        runs
    }

    fn newest_of_all(&self, messages: &[u8]) -> Vec<Run> {
        let newer = |older: &u8| {
            let mut newer = messages.iter().filter(|one| self.gives_way(*older, **one));
            newer.next_back().copied()
        };
        let newest = messages.iter().filter(|message| newer(message).is_none());
        let run = |newest: &u8| Run {
            newest: *newest,
            older: messages
                .iter()
                .copied()
                .filter(|it| newer(it) == Some(*newest))
                .collect(),
        };
        newest.map(run).collect()
    }

    fn gives_way(&self, older: u8, newer: u8) -> bool {
        let (older, newer) = (self.order(older).position, self.order(newer).position);
        older
            .zip(newer)
            .is_some_and(|(older, newer)| older.gives_way_to(newer))
    }

    /// The order in hand is done.
    pub(super) fn ends(&self, state: &mut State, work: Work, end: End) {
        self.go_on(state, work, end);
    }

    /// All its attempts have failed.
    pub(super) fn mail(&self, state: &mut State, mut work: Work) {
        work.batch.mailing |= bit(work.message);
        self.go_on(state, work, End::HandedOver);
    }

    /// The next order, or else the mails, or else the answer.
    fn go_on(&self, state: &mut State, mut work: Work, end: End) {
        if let Some(message) = work.batch.take_next() {
            let (attempt, round) = (1, 1);
            return self.start(
                state,
                Work {
                    message,
                    attempt,
                    round,
                    ..work
                },
            );
        }
        let tried = work.batch.tried();
        let alone = tried == bit(work.message);
        match self.batch_rule {
            _ if work.batch.mailing != 0 => state.resume(work, Phase::Mailing),
            BatchRule::AnyIsDone if work.batch.open != tried => {
                state.resume(work, Phase::Settling(End::Each));
            }
            BatchRule::OlderAreDone if work.batch.locked & !work.batch.open != 0 => {
                state.resume(work, Phase::Settling(End::Each));
            }
            _ if work.batch.open != 0 => state.drop_delivery(work),
            _ if alone => state.resume(work, Phase::Settling(end)),
            _ => state.resume(work, Phase::Settling(End::Each)),
        }
    }

    /// The fallback has answered, or will not.
    fn mailed(&self, state: &mut State, mut work: Work, message: u8, accepted: bool) {
        work.batch.mailing &= !bit(message);
        if !accepted {
            work.batch.open |= bit(message);
        }
        match work.phase {
            Phase::Mailing => self.go_on(state, work, End::HandedOver),
            phase => state.resume(work, phase),
        }
    }

    pub(super) fn accept_mails(&self, state: &State, work: Work, successors: &mut Vec<Successor>) {
        for message in numbers(work.batch.mailing) {
            let mut next = *state;
            next.mailed |= bit(message);
            self.mailed(&mut next, work, message, true);
            push(
                successors,
                "fallback accepts",
                Work { message, ..work },
                next,
            );
        }
    }

    pub(super) fn refuse_mails(&self, state: &State, work: Work, successors: &mut Vec<Successor>) {
        for message in numbers(work.batch.mailing) {
            let told = Work { message, ..work };
            let mut next = *state;
            self.mailed(&mut next, work, message, false);
            push(successors, "fallback refuses", told, next);
            next.mailed |= bit(message);
            push(successors, "fallback's yes is lost", told, next);
        }
    }

    /// What a batch meets that one message does not: its time is over before all had their turn; or
    /// an order of another session is not settled, and all come again.
    pub(super) fn end_in_vain(&self, state: &State, work: Work, successors: &mut Vec<Successor>) {
        if work.batch.todo[0] != 0 {
            let (mut next, mut batch) = (*state, work.batch);
            while let Some(message) = batch.take_next() {
                batch.open |= bit(message);
            }
            next.resume(Work { batch, ..work }, work.phase);
            push(successors, "no time is left for the others", work, next);
        }
        if self.batch_max > 1 && matches!(work.phase, Phase::Settling(_)) {
            let mut next = *state;
            next.drop_delivery(work);
            push(
                successors,
                "another session's order is not settled",
                work,
                next,
            );
        }
    }

    /// The queue is told, and what is wrong with it: each message under its own lock, if that is
    /// still there.
    pub(super) fn settle(&self, state: &mut State, work: Work, end: End) -> Option<Broken> {
        let batch = work.batch;
        state.handlers[work.handler] = Handler::Idle;
        let mut broken = None;
        for message in numbers(batch.members()) {
            if self.batch_rule == BatchRule::OlderAreDone && batch.open & bit(message) != 0 {
                state.queued(message).visible |= batch.holds(message);
                continue;
            }
            if batch.holds(message) {
                state.queued(message).done = true;
            } else if self.batch_max > 1 {
                continue;
            }
            let unmailed = end == End::HandedOver && state.mailed & bit(work.message) == 0;
            if !state.is_safe(message, &batch) || unmailed {
                broken = Some(Broken::Lost);
            } else if end == End::SupersededUnread {
                broken.get_or_insert(Broken::SupersededUnread);
            }
        }
        broken
    }
}
