//! The write protocol and everything around it as a state machine, small enough to visit every
//! state: the queue, two handlers, the blob, what is on the wire, what is still to land.
//!
//! No etag appears in it. An etag is only ever compared with the blob's current one, and none
//! recurs; so a state says of each copy of an etag whether it is still the current one.

mod batches;
mod faults;

use order_items_reserver::order::{Order, Position};
use order_items_reserver::store::{Origin, Stored, Verdict};

use super::messages::{Message, second};
use super::rules::Rule;
use super::storage::origin;
use batches::Batch;
pub(super) use batches::BatchRule;

pub(super) const MESSAGES_MAX: usize = 3;

/// How an order is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// PUT.
    Unconditional,
    /// HEAD, and PUT unless something newer is there.
    HeadThenPut,
    /// Conditional PUT; 409 and 412 are failures like any other.
    ConflictIsFailure,
    /// Conditional PUT; 409 and 412 say that something newer is there.
    ConflictMeansNewer,
    /// Conditional PUT, aimed at whatever version is remembered; on conflict HEAD.
    EtagMemory,
    /// The product's: the same, but only an older order's version is aimed at.
    Chosen,
}

#[derive(Clone, Debug)]
pub(super) struct Protocol {
    pub(super) variant: Variant,
    /// The handlers are two invocations of one process, not two processes.
    pub(super) shared_memory: bool,
    /// A message is delivered only when those before it are settled.
    pub(super) fifo: bool,
    /// Time-outs, late writes, crashes, lost locks, a fallback that refuses.
    pub(super) faults: bool,
    /// Deliveries of each message, at the most.
    pub(super) deliveries: u8,
    /// Messages of one invocation, at the most.
    pub(super) batch_max: usize,
    /// How those of one invocation are taken.
    pub(super) batch_rule: BatchRule,
    /// Attempts per delivery.
    pub(super) attempts: u8,
    /// The messages, and a file that somebody may save by hand, in their true order.
    pub(super) entries: Vec<Entry>,
    /// By what the newer of two is told, if not by the product's own rule.
    pub(super) rule: Option<Rule>,
    /// What somebody does to the file by hand, once, at any point.
    pub(super) by_hand: ByHand,
}

/// What may be in the blob.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// `None`: no message, but the file saved by hand.
    order: Option<Order>,
    stored: Stored,
}

impl Entry {
    /// A message; `modified` is when its order would be written.
    pub(super) fn message(rank: u32, position: Option<Position>, modified: i64) -> Self {
        let message = Message::new("s", rank, position);
        Self {
            order: Some(Order::parse(&message.delivery(1)).unwrap()),
            stored: Stored {
                origin: origin(position, Some(&message.id())),
                modified: Some(second(modified)),
            },
        }
    }

    pub(super) fn file(modified: i64) -> Self {
        Self {
            order: None,
            stored: Stored {
                origin: Origin::Foreign,
                modified: Some(second(modified)),
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByHand {
    Nothing,
    /// The entry that is no message is saved over an older one.
    Saves,
    Deletes,
    /// The same, and what was deleted still counts as the newest.
    DeletesForGood,
}

/// Rounds of PUT and HEAD per attempt.
const ROUNDS: u8 = 2;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Broken {
    /// S2.
    OlderOverNewer,
    /// S1.
    Lost,
    /// S6.
    SupersededUnread,
    /// L2: all settled, the newest neither stored nor handed over.
    NewestMissing,
    /// L1: nothing can happen any more, but a message is left.
    Stuck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The message in the blob, from 1; 0 is none.
    blob: u8,
    queue: [Queued; MESSAGES_MAX],
    handlers: [Handler; 2],
    /// Whether the process remembers the blob as it is now. What else it remembers leads to a
    /// refused PUT, like no memory at all.
    remembers: [bool; 2],
    /// PUTs nobody waits for, that may apply when they land: for each message one bit for a PUT on
    /// the blob as it is now, one for an unconditional PUT, and one for a PUT on no blob.
    late: u16,
    mailed: u8,
    /// Whether somebody may still do something by hand.
    by_hand_left: bool,
    /// What was in the blob that was deleted.
    deleted: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Queued {
    deliveries_left: u8,
    visible: bool,
    done: bool,
}

impl Queued {
    /// Given back too often: kept, but not delivered any more.
    fn is_dead_letter(self) -> bool {
        self.visible && self.deliveries_left == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Handler {
    Idle,
    Busy {
        batch: Batch,
        /// The message whose order is tried.
        message: u8,
        attempt: u8,
        round: u8,
        phase: Phase,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    PutSent(Aim),
    PutAnswered(Answer),
    HeadSent,
    HeadAnswered {
        found: u8,
        current: bool,
    },
    /// Nothing is left to upload.
    Mailing,
    Settling(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum End {
    Stored,
    HandedOver,
    /// Something newer was read.
    Superseded,
    /// Something newer was concluded.
    SupersededUnread,
    /// Of several orders each its own.
    Each,
}

/// What a PUT asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Aim {
    Anything,
    /// No blob.
    Absent,
    /// The blob as it is now.
    Current,
    /// Some state that is gone for good.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Answer {
    /// Whether nobody has written since.
    Written {
        current: bool,
    },
    Conflict,
}

/// One step of a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) what: &'static str,
    pub(super) message: u8,
    pub(super) handler: Option<usize>,
}

pub(super) struct Successor {
    pub(super) step: Step,
    pub(super) state: State,
    pub(super) broken: Option<Broken>,
}

/// A handler's delivery, taken apart.
#[derive(Clone, Copy)]
struct Work {
    handler: usize,
    batch: Batch,
    message: u8,
    attempt: u8,
    round: u8,
    phase: Phase,
}

impl State {
    pub(super) fn initial(protocol: &Protocol) -> Self {
        let absent = Queued {
            deliveries_left: 0,
            visible: false,
            done: true,
        };
        let mut queue = [absent; MESSAGES_MAX];
        for (queued, entry) in queue.iter_mut().zip(&protocol.entries) {
            if entry.order.is_some() {
                *queued = Queued {
                    deliveries_left: protocol.deliveries,
                    visible: true,
                    done: false,
                };
            }
        }
        Self {
            blob: 0,
            queue,
            handlers: [Handler::Idle; 2],
            remembers: [false; 2],
            late: 0,
            mailed: 0,
            by_hand_left: protocol.by_hand != ByHand::Nothing,
            deleted: 0,
        }
    }

    pub(super) fn was_mailed(&self) -> bool {
        self.mailed != 0
    }

    /// The same for all states that differ only in which handler is which.
    pub(super) fn key(&self, protocol: &Protocol) -> Self {
        let mut key = *self;
        let [first, second] = self.handlers;
        let [of_first, of_second] = self.remembers;
        if protocol.shared_memory && second < first {
            key.handlers.swap(0, 1);
        } else if !protocol.shared_memory && (second, of_second) < (first, of_first) {
            key.handlers.swap(0, 1);
            key.remembers.swap(0, 1);
        }
        key
    }

    fn queued(&mut self, message: u8) -> &mut Queued {
        &mut self.queue[usize::from(message) - 1]
    }

    fn resume(&mut self, work: Work, phase: Phase) {
        self.handlers[work.handler] = Handler::Busy {
            batch: work.batch,
            message: work.message,
            attempt: work.attempt,
            round: work.round,
            phase,
        };
    }

    /// All go back to the queue, but for those whose lock somebody else has.
    fn drop_delivery(&mut self, work: Work) {
        self.handlers[work.handler] = Handler::Idle;
        for message in work.batch.locked() {
            self.queued(message).visible = true;
        }
    }

    /// A PUT reaches the storage.
    fn put(&mut self, message: u8, aim: Aim, by_hand: ByHand) -> (Answer, Option<Broken>) {
        if aim == Aim::Gone || aim == Aim::Absent && self.blob != 0 {
            return (Answer::Conflict, None);
        }
        let newest = match by_hand {
            ByHand::DeletesForGood => self.blob.max(self.deleted),
            _ => self.blob,
        };
        let broken = (message < newest).then_some(Broken::OlderOverNewer);
        self.blob = message;
        self.changed(by_hand);
        (Answer::Written { current: true }, broken)
    }

    /// The blob is another one: all other aims and memories are obsolete, but for an aim at no
    /// blob where it may be deleted.
    fn changed(&mut self, by_hand: ByHand) {
        let absent_recurs = by_hand.deletes();
        self.remembers = [false; 2];
        self.late &= !LATE_CURRENT;
        if !absent_recurs {
            self.late &= !LATE_ABSENT;
        }
        for handler in &mut self.handlers {
            let Handler::Busy { phase, .. } = handler else {
                continue;
            };
            match phase {
                Phase::PutSent(Aim::Absent) if absent_recurs => {}
                Phase::PutSent(aim @ (Aim::Current | Aim::Absent)) => *aim = Aim::Gone,
                Phase::HeadAnswered { found: 0, .. } if absent_recurs => {}
                Phase::PutAnswered(Answer::Written { current })
                | Phase::HeadAnswered { current, .. } => *current = false,
                _ => {}
            }
        }
    }

    /// Nobody waits for this PUT any more; it may land all the same.
    fn let_go(&mut self, message: u8, phase: Phase) {
        if let Phase::PutSent(aim @ (Aim::Current | Aim::Absent | Aim::Anything)) = phase {
            self.late |= late_bit(message, aim);
        }
    }

    /// The newest that is in the blob, or was in the one that was deleted.
    fn newest_stored(&self) -> u8 {
        self.blob.max(self.deleted)
    }
}

const LATE_CURRENT: u16 = 0b111;
const LATE_ABSENT: u16 = 0b111 << 6;

fn late_bit(message: u8, aim: Aim) -> u16 {
    let bit = 1 << (message - 1);
    match aim {
        Aim::Anything => bit << 3,
        Aim::Absent => bit << 6,
        Aim::Current | Aim::Gone => bit,
    }
}

impl ByHand {
    fn deletes(self) -> bool {
        matches!(self, Self::Deletes | Self::DeletesForGood)
    }
}

impl Protocol {
    fn entry(&self, number: u8) -> &Entry {
        &self.entries[usize::from(number) - 1]
    }

    /// The numbers of the messages.
    fn messages(&self) -> impl DoubleEndedIterator<Item = u8> {
        let numbers = 1..=u8::try_from(self.entries.len()).unwrap();
        numbers.filter(|&number| self.entry(number).order.is_some())
    }

    fn order(&self, message: u8) -> &Order {
        self.entry(message).order.as_ref().expect("a message")
    }

    /// As the product judges, or as the rule does.
    fn judge(&self, message: u8, stored: u8) -> Verdict {
        let (order, stored) = (self.order(message), &self.entry(stored).stored);
        match self.rule {
            None => stored.judge(order),
            Some(rule) => rule.judge(stored, order),
        }
    }

    fn is_placed(&self, number: u8) -> bool {
        self.entry(number).stored.position().is_some()
    }

    /// What a PUT aims at that is to find no blob.
    fn absent(&self, is_absent: bool) -> Aim {
        match is_absent || self.by_hand.deletes() {
            true => Aim::Absent,
            false => Aim::Gone,
        }
    }

    fn memory(&self, handler: usize) -> usize {
        if self.shared_memory { 0 } else { handler }
    }

    /// Everything that can happen next.
    pub(super) fn successors(&self, state: &State, successors: &mut Vec<Successor>) {
        for batch in self.batches(state) {
            self.deliver(state, &batch, successors);
        }
        for message in self.messages() {
            self.land(state, message, successors);
        }
        for handler in 0..2 {
            if let Handler::Busy {
                batch,
                message,
                attempt,
                round,
                phase,
            } = state.handlers[handler]
            {
                let work = Work {
                    handler,
                    batch,
                    message,
                    attempt,
                    round,
                    phase,
                };
                self.proceed(state, work, successors);
                if self.faults {
                    self.fail(state, work, successors);
                }
            }
        }
        if self.faults {
            self.crash(state, successors);
        }
        self.act_by_hand(state, successors);
        let settled = |queued: &Queued| queued.done || queued.is_dead_letter();
        for successor in &mut *successors {
            let state = &successor.state;
            let newest = self.messages().next_back().unwrap();
            let stored = state.newest_stored() >= newest || state.mailed & (1 << (newest - 1)) != 0;
            if state.queue.iter().all(|queued| queued.done) && !stored {
                successor.broken.get_or_insert(Broken::NewestMissing);
            }
        }
        if successors.is_empty() && !state.queue.iter().all(settled) {
            successors.push(Successor {
                step: step("nothing can happen", 0, None),
                state: *state,
                broken: Some(Broken::Stuck),
            });
        }
    }

    /// The first request of an attempt.
    fn start(&self, state: &mut State, work: Work) {
        let aim = match self.variant {
            Variant::HeadThenPut => return state.resume(work, Phase::HeadSent),
            Variant::Unconditional => Aim::Anything,
            _ if self.order(work.message).position.is_none() => {
                return state.resume(work, Phase::HeadSent);
            }
            _ if state.blob == 0 => Aim::Absent,
            variant => {
                let remembers = state.remembers[self.memory(work.handler)];
                let older = variant == Variant::EtagMemory
                    || matches!(self.judge(work.message, state.blob), Verdict::Newer(_));
                if remembers && older {
                    Aim::Current
                } else {
                    self.absent(false)
                }
            }
        };
        state.resume(work, Phase::PutSent(aim));
    }

    /// What happens without any fault.
    fn proceed(&self, state: &State, work: Work, successors: &mut Vec<Successor>) {
        let mut next = *state;
        match work.phase {
            Phase::PutSent(aim) => {
                let (answer, broken) = next.put(work.message, aim, self.by_hand);
                next.resume(work, Phase::PutAnswered(answer));
                push(successors, "PUT reaches the storage", work, next);
                successors.last_mut().unwrap().broken = broken;
            }
            Phase::PutAnswered(Answer::Written { current }) => {
                next.remembers[self.memory(work.handler)] |=
                    current && self.is_placed(work.message);
                self.ends(&mut next, work, End::Stored);
                push(successors, "learns: written", work, next);
            }
            Phase::PutAnswered(Answer::Conflict) => {
                match self.variant {
                    Variant::ConflictMeansNewer => {
                        self.ends(&mut next, work, End::SupersededUnread);
                    }
                    Variant::ConflictIsFailure => self.next_attempt(&mut next, work),
                    _ => next.resume(work, Phase::HeadSent),
                }
                push(successors, "learns: conflict", work, next);
            }
            Phase::HeadSent => {
                let found = state.blob;
                next.resume(
                    work,
                    Phase::HeadAnswered {
                        found,
                        current: true,
                    },
                );
                push(successors, "HEAD reaches the storage", work, next);
            }
            Phase::HeadAnswered { found, current } => {
                self.read(&mut next, work, found, current);
                push(successors, "reads", work, next);
            }
            Phase::Mailing => {}
            Phase::Settling(end) => {
                let broken = self.settle(&mut next, work, end);
                push(successors, "acknowledges", work, next);
                successors.last_mut().unwrap().broken = broken;
            }
        }
        self.accept_mails(state, work, successors);
    }

    /// What a HEAD means, as `store::Stored::judge` has it.
    fn read(&self, state: &mut State, work: Work, found: u8, current: bool) {
        let aim = match found {
            0 => self.absent(current),
            found => {
                let memory = &mut state.remembers[self.memory(work.handler)];
                *memory |= current && self.is_placed(found);
                match self.judge(work.message, found) {
                    Verdict::Same => return self.ends(state, work, End::Stored),
                    Verdict::Superseded(_) => return self.ends(state, work, End::Superseded),
                    Verdict::Doubtful(_) => return self.next_attempt(state, work),
                    Verdict::Newer(_)
                    | Verdict::Later(_)
                    | Verdict::Renumbered(_)
                    | Verdict::AfterForeign
                    | Verdict::Unplaced => match current {
                        true => Aim::Current,
                        false => Aim::Gone,
                    },
                }
            }
        };
        if self.variant == Variant::HeadThenPut {
            let round = work.round + 1;
            return state.resume(Work { round, ..work }, Phase::PutSent(Aim::Anything));
        }
        if work.round < ROUNDS {
            let round = work.round + 1;
            state.resume(Work { round, ..work }, Phase::PutSent(aim));
        } else {
            self.next_attempt(state, work);
        }
    }

    fn next_attempt(&self, state: &mut State, work: Work) {
        if self.batch_rule == BatchRule::LeavesTheUnlocked && !work.batch.holds(work.message) {
            return self.ends(state, work, End::SupersededUnread);
        }
        if work.attempt == self.attempts {
            return self.mail(state, work);
        }
        let (attempt, round) = (work.attempt + 1, 1);
        self.start(
            state,
            Work {
                attempt,
                round,
                ..work
            },
        );
    }
}

fn step(what: &'static str, message: u8, handler: Option<usize>) -> Step {
    Step {
        what,
        message,
        handler,
    }
}

fn push(successors: &mut Vec<Successor>, what: &'static str, work: Work, state: State) {
    successors.push(Successor {
        step: step(what, work.message, Some(work.handler)),
        state,
        broken: None,
    });
}
