//! The states of a run by numbers, and what may happen in each: the store, the bus, what is in the
//! air, and which past each task has. Small, so that millions can be looked at.

mod judge;

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::parts::{Asks, Current, Ends, Heard, Now, Parts, Start, click_of};
use super::setup::{Choice, Click, How, Limits, Setup, Told};
use super::world::Broken;

/// Tasks: one of each click, then one of each instance that delivers. The last instance only heals.
const CLICKS: usize = 4;
const INSTANCES: usize = 3;
const TASKS: usize = CLICKS + INSTANCES;

/// The instance that comes when all others are dead.
const HEALER: usize = INSTANCES - 1;

/// What an instance has in memory beside its tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Memory {
    life: u8,
    /// What a click handed over while a delivery was under way: to begin anew after it.
    then: bool,
}

/// One message, by the click that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Message {
    /// The revision of the record in which it was made, from 1.
    made: u8,
    /// What the bus has of it.
    taken: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    record: Option<u32>,
    mark: Option<u32>,
    now: u8,
    messages: [Message; CLICKS],
    /// Requests that nobody waits for any more, which may be done yet; in order.
    late: Vec<Asks>,
    tasks: [Option<u32>; TASKS],
    memories: [Memory; INSTANCES],
    told: [Option<Told>; CLICKS],
    left: Limits,
}

/// What is wrong, in words.
pub(super) type Wrong = String;

fn delivers(instance: usize) -> usize {
    CLICKS + instance
}

pub(super) struct Rules<'a> {
    pub(super) setup: &'a Setup,
    pub(super) parts: Parts,
}

impl State {
    pub(super) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl<'a> Rules<'a> {
    pub(super) fn new(setup: &'a Setup, forgets: bool) -> Self {
        assert!(
            setup.clicks.len() <= CLICKS && setup.clocks.len() < INSTANCES,
            "{setup:?}"
        );
        Self {
            setup,
            parts: Parts::new(setup, forgets),
        }
    }

    pub(super) fn begin(&mut self) -> State {
        let mut state = State {
            record: None,
            mark: None,
            now: 0,
            messages: Default::default(),
            late: Vec::new(),
            tasks: [None; TASKS],
            memories: Default::default(),
            told: [None; CLICKS],
            left: self.setup.limits,
        };
        for (click, (instance, _)) in self.setup.clicks.iter().enumerate() {
            state.tasks[click] = Some(self.parts.begin(Start::Click(click), (*instance, 0), 0));
        }
        state
    }

    fn instance(&self, task: usize) -> usize {
        match task.checked_sub(CLICKS) {
            Some(number) => number,
            None => self.setup.clicks[task].0,
        }
    }

    fn asked(&self, state: &State, task: usize) -> Option<Asks> {
        match self.parts.now(state.tasks[task]?) {
            Now::Asks(asks) => Some(asks),
            Now::Ends(_) => None,
        }
    }

    /// Clicks that are alike are told apart by nothing but their names: the first one begins first.
    fn waits_for_its_like(&self, state: &State, task: usize) -> bool {
        let alike = |other: usize| match (self.setup.clicks[other], self.setup.clicks[task]) {
            ((at, Click::Add(_)), (here, Click::Add(_))) => at == here,
            _ => false,
        };
        let is_new = |task: usize| state.tasks[task].is_some_and(|past| self.parts.is_new(past));
        task < CLICKS && is_new(task) && (0..task).any(|other| alike(other) && is_new(other))
    }

    /// All that may happen next.
    pub(super) fn choices(&self, state: &State) -> Vec<Choice> {
        let mut choices = Vec::new();
        let left = &state.left;
        for task in 0..TASKS {
            let Some(asks) = self.asked(state, task) else {
                continue;
            };
            if self.waits_for_its_like(state, task) {
                continue;
            }
            choices.push(Choice::Answer(task, How::Done));
            let (lost, late) = match asks {
                Asks::Turn => (0, 0),
                Asks::Send(_) => (left.bus_faults, left.bus_faults),
                _ => (left.store_faults, left.late),
            };
            if lost > 0 {
                choices.push(Choice::Answer(task, How::Lost));
                if !asks.changes_something() {
                    choices.push(Choice::Answer(task, How::Never));
                }
            }
            if late > 0 && asks.changes_something() {
                choices.push(Choice::Answer(task, How::Later));
            }
        }
        for number in 0..state.late.len() {
            if number == 0 || state.late[number] != state.late[number - 1] {
                choices.push(Choice::Arrives(number));
            }
        }
        for instance in 0..HEALER {
            if left.crashes > 0 {
                choices.push(Choice::Crash(instance));
            }
            let is_idle = state.tasks[delivers(instance)].is_none();
            if left.sweeps > 0 && is_idle && state.mark.is_some() {
                choices.push(Choice::Sweep(instance));
            }
        }
        // Without a claim it is like a later beginning.
        let is_claimed = |version| self.parts.record(version).owner().is_some();
        let delivers = (0..HEALER).any(|it| state.tasks[delivers(it)].is_some());
        if left.waits > 0 && (delivers || state.record.is_some_and(is_claimed)) {
            choices.push(Choice::Wait);
        }
        choices
    }

    pub(super) fn apply(&mut self, state: &State, choice: Choice) -> Result<State, Wrong> {
        let mut next = state.clone();
        match choice {
            Choice::Answer(task, how) => self.answer(&mut next, task, how)?,
            Choice::Arrives(number) => {
                let asks = next.late.remove(number);
                self.effect(&mut next, asks)?;
            }
            Choice::Crash(instance) => {
                next.left.crashes -= 1;
                self.crash(&mut next, instance);
            }
            Choice::Sweep(instance) => {
                next.left.sweeps -= 1;
                self.sweep(&mut next, instance);
            }
            Choice::Wait => {
                next.left.waits -= 1;
                next.now += 1;
            }
            Choice::LongWait | Choice::Abort(_) => panic!("not here: {choice:?}"),
        }
        self.age(&mut next);
        Ok(next)
    }

    /// A listing of the marks leads to the record.
    fn sweep(&mut self, state: &mut State, instance: usize) {
        if let Some(mark) = state.mark {
            let place = (instance, state.memories[instance].life);
            self.start(state, delivers(instance), Start::OfMark(mark), place);
        }
    }

    /// What was in the air may still arrive; what has not begun begins at the next one.
    fn crash(&mut self, state: &mut State, instance: usize) {
        let life = state.memories[instance].life + 1;
        for task in 0..TASKS {
            let Some(past) = state.tasks[task].filter(|_| self.instance(task) == instance) else {
                continue;
            };
            if task < CLICKS && self.parts.is_new(past) {
                let click = Start::Click(task);
                state.tasks[task] = Some(self.parts.begin(click, (instance, life), 0));
                continue;
            }
            state.tasks[task] = None;
            if let Now::Asks(asks) = self.parts.now(past)
                && asks.changes_something()
            {
                state.late.push(asks);
            }
        }
        state.late.sort();
        state.memories[instance] = Memory {
            life,
            ..Memory::default()
        };
    }

    fn answer(&mut self, state: &mut State, task: usize, how: How) -> Result<(), Wrong> {
        let past = state.tasks[task].expect("a task");
        let asks = self.asked(state, task).expect("it asked");
        let left = &mut state.left;
        match (how, asks) {
            (How::Done, _) => {}
            (_, Asks::Send(_)) => left.bus_faults -= 1,
            (How::Later, _) => left.late -= 1,
            _ => left.store_faults -= 1,
        }
        let heard = match (how, asks) {
            (How::Done, Asks::Turn) => Heard::Turn,
            (How::Done, _) => self.effect(state, asks)?,
            (How::Lost, _) => {
                self.effect(state, asks)?;
                Heard::Nothing { at_once: false }
            }
            (How::Never, _) => Heard::Nothing { at_once: true },
            (How::Later, _) => {
                state.late.push(asks);
                state.late.sort();
                Heard::Nothing { at_once: false }
            }
        };
        let past = self.parts.hear(past, heard, state.now);
        match self.parts.now(past) {
            Now::Asks(asks) => {
                state.tasks[task] = Some(past);
                if asks == Asks::Turn {
                    // A failed delivery goes on by itself.
                    state.memories[self.instance(task)].then = false;
                }
            }
            Now::Ends(ends) => {
                state.tasks[task] = None;
                self.ended(state, task, ends);
            }
        }
        Ok(())
    }

    fn ended(&mut self, state: &mut State, task: usize, ends: Ends) {
        let instance = self.instance(task);
        let memory = &mut state.memories[instance];
        let place = (instance, memory.life);
        let delivery = delivers(instance);
        match ends {
            Ends::Click(told, held) => {
                state.told[task] = told;
                let Some(held) = held else {
                    return;
                };
                match state.tasks[delivery] {
                    None => self.start(state, delivery, Start::Delivery(Some(held)), place),
                    Some(_) => memory.then = true,
                }
            }
            Ends::Delivered => {
                if std::mem::take(&mut memory.then) {
                    self.start(state, delivery, Start::Anew, place);
                }
            }
        }
    }

    fn start(&mut self, state: &mut State, task: usize, start: Start, place: (usize, u8)) {
        let past = self.parts.begin(start, place, state.now);
        match self.parts.now(past) {
            Now::Asks(_) => state.tasks[task] = Some(past),
            Now::Ends(ends) => self.ended(state, task, ends),
        }
    }

    /// Does what is asked.
    fn effect(&mut self, state: &mut State, asks: Asks) -> Result<Heard, Wrong> {
        let broken = self.setup.broken;
        Ok(match asks {
            Asks::Read => Heard::Read(state.record),
            Asks::Write { content, expected } => {
                if state.record != expected && broken != Broken::CartFromCookie {
                    return Ok(Heard::Refused);
                }
                let version = self.fresh_version(state, content);
                let record = self.parts.record(version);
                let revision = u8::try_from(record.revision).expect("a few clicks");
                let owes = !record.owed().is_empty();
                for owed in record.owed() {
                    let message = &mut state.messages[click_of(&owed.message)];
                    if message.made == 0 {
                        message.made = revision;
                    }
                }
                state.record = Some(version);
                if owes && state.mark.is_none() && broken == Broken::Nothing {
                    return Err("a record owes, and has no mark".to_owned());
                }
                Heard::Written(version)
            }
            Asks::Mark => {
                let mark = u32::from(state.mark == Some(0));
                if broken != Broken::NoMark {
                    state.mark = Some(mark);
                }
                Heard::Marked(mark)
            }
            Asks::Unmark(mark) => {
                let goes = state.mark == Some(mark) || broken == Broken::UnmarkAnyway;
                if goes {
                    state.mark = None;
                }
                Heard::Unmarked(goes)
            }
            Asks::Send(number) => {
                self.take(state, number)?;
                Heard::Sent
            }
            Asks::Turn => panic!("nobody answers it"),
        })
    }

    /// The bus takes a message, once. No older cart of a session may follow a newer one.
    fn take(&mut self, state: &mut State, number: u32) -> Result<(), Wrong> {
        let sent = self.parts.sent(number);
        let made = state.messages[sent.click].made;
        match state.messages[sent.click].taken {
            Some(before) if before == number => return Ok(()),
            Some(_) => return Err(format!("another body of one id: {sent:?}")),
            None => {}
        }
        if let Some((newest, _)) = self.newest(state, &sent.session)
            && newest > made
        {
            return Err(format!("the bus got revision {made} after {newest}"));
        }
        state.messages[sent.click].taken = Some(number);
        Ok(())
    }

    /// The revision of the newest order that the bus has of a session, and the order.
    fn newest(&self, state: &State, session: &str) -> Option<(u8, &str)> {
        let taken = state.messages.iter().filter_map(|message| {
            let sent = self.parts.sent(message.taken?);
            (sent.session == session).then_some((message.made, sent.order.as_str()))
        });
        taken.max()
    }

    /// Another one than what is stored; all others are past.
    fn fresh_version(&mut self, state: &State, content: u32) -> u32 {
        let first = self.parts.version(content, 0);
        match state.record == Some(first) {
            true => self.parts.version(content, 1),
            false => first,
        }
    }

    /// Lets everybody forget which of the versions and marks that are past is which: none of them
    /// comes back. What is in the air under such a condition does nothing any more.
    fn age(&mut self, state: &mut State) {
        let current = Current {
            version: state.record,
            mark: state.mark,
        };
        for past in state.tasks.iter_mut().flatten() {
            *past = self.parts.age(*past, current);
        }
        if self.setup.broken != Broken::Nothing {
            return;
        }
        let messages = &state.messages;
        state.late.retain(|asks| match asks {
            Asks::Write { expected, .. } => *expected == state.record,
            Asks::Unmark(mark) => state.mark == Some(*mark),
            Asks::Send(number) => messages[self.parts.sent(*number).click].taken != Some(*number),
            _ => true,
        });
    }

    /// In words.
    pub(super) fn describe(&self, state: &State) -> String {
        let mut text = format!("{state:?}");
        if let Some(version) = state.record {
            write!(text, "\n  {:?}", self.parts.record(version)).expect("a text");
        }
        text
    }
}
