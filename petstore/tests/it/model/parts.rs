//! The tasks of a run by number: what a task asks next depends on how it began and on what it has
//! heard since, and on nothing else. So the real code runs once for each such past, by itself, and
//! every state of the model in which a task has that past looks the answer up.
//!
//! What a task does not remember of its past is left out: a record is read anew in every round, and
//! what was read and heard before is forgotten but for a mark that was made, the message that the
//! bus took, the page that an order was placed from, and what had no answer. And a task that is
//! about to write under a condition that cannot hold any more is like any other that is: its write
//! will be refused. One test does without all this, and sees the same.

mod code;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use petstore::record::Record;

use super::instances::{ModelCarts, carts};
use super::setup::{Click, Setup, Told};
use super::world::{Kept, Shared};
pub(super) use code::click_of;

/// How a task begins: at which instance, and in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Start {
    Click(usize),
    /// With what a click left; without it once that is forgotten.
    Delivery(Option<Held>),
    OfMark(u32),
    Anew,
}

/// A record that an instance may send for: version and mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub(super) version: u32,
    pub(super) mark: u32,
}

/// What a task asks, records and orders by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Asks {
    Read,
    Write {
        content: u32,
        expected: Option<u32>,
    },
    Mark,
    Unmark(u32),
    Send(u32),
    /// After a failure: it waits for its next try.
    Turn,
}

impl Asks {
    pub(super) fn changes_something(self) -> bool {
        !matches!(self, Self::Read | Self::Turn)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Heard {
    Read(Option<u32>),
    Written(u32),
    Refused,
    Marked(u32),
    Unmarked(bool),
    Sent,
    Nothing {
        at_once: bool,
    },
    /// It is its turn.
    Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ends {
    Click(Option<Told>, Option<Held>),
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Now {
    Asks(Asks),
    Ends(Ends),
}

/// What a task remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Memory {
    start: Start,
    place: (usize, u8),
    page: Option<u32>,
    mark: Option<u32>,
    nothing: Vec<Asks>,
    sent: Option<u32>,
    /// Whether its last write takes a message out.
    settles: bool,
    tail: Vec<(Heard, u8)>,
    now: Now,
}

/// A version or a mark that is not the stored one any more, and never will be again.
pub(super) const PAST_TURN: u8 = u8::MAX;
const PAST_MARK: u32 = u32::MAX;

/// The one that is stored, of which all that a task remembers is past or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Current {
    pub(super) version: Option<u32>,
    pub(super) mark: Option<u32>,
}

/// One past of one task.
#[derive(Clone)]
struct Past {
    start: Start,
    began: u8,
    heard: Vec<(Heard, u8)>,
    memory: Memory,
}

/// Each thing once, with a number.
struct Numbers<T>(HashMap<T, u32>, Vec<T>);

impl<T: Clone + Eq + Hash> Numbers<T> {
    fn new() -> Self {
        Self(HashMap::new(), Vec::new())
    }

    fn of(&mut self, what: T) -> u32 {
        let next = u32::try_from(self.1.len()).expect("so many");
        *self.0.entry(what).or_insert_with_key(|what| {
            self.1.push(what.clone());
            next
        })
    }
}

/// An order as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sent {
    pub(super) click: usize,
    pub(super) session: String,
    pub(super) order: String,
}

/// All pasts that were seen.
pub(super) struct Parts {
    clicks: Vec<(usize, Click)>,
    shared: Shared,
    carts: Vec<Vec<Arc<ModelCarts>>>,
    contents: Numbers<Vec<u8>>,
    records: Vec<Record>,
    versions: Numbers<(u32, u8)>,
    sends: Numbers<Sent>,
    pages: Numbers<(String, u64)>,
    pasts: Vec<Past>,
    by_memory: HashMap<Memory, u32>,
    steps: HashMap<(u32, Heard, u8), u32>,
    /// What is the same once this is stored.
    aged: HashMap<(u32, Current), u32>,
    /// Those whose write will be refused, each for all that are alike.
    refused: HashMap<Memory, u32>,
    forgets: bool,
}

impl Parts {
    /// `forgets` is off where a test wants to see that what is left out means nothing.
    pub(super) fn new(setup: &Setup, forgets: bool) -> Self {
        let shared = Shared::new(Kept::default(), setup.broken, false);
        shared.world().nameless = true;
        let lives = usize::from(setup.limits.crashes) + 1;
        // One more instance, to heal.
        let clocks = setup.clocks.iter().copied().chain([0]);
        let lives = |ahead| {
            (0..lives)
                .map(|_| Arc::new(carts(&shared, ahead)))
                .collect()
        };
        let carts = clocks.map(lives).collect();
        Self {
            clicks: setup.clicks.clone(),
            carts,
            shared,
            contents: Numbers::new(),
            records: Vec::new(),
            versions: Numbers::new(),
            sends: Numbers::new(),
            pages: Numbers::new(),
            pasts: Vec::new(),
            by_memory: HashMap::new(),
            steps: HashMap::new(),
            aged: HashMap::new(),
            refused: HashMap::new(),
            forgets,
        }
    }

    /// How many pasts there are: how often the real code had to run.
    pub(super) fn runs(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn now(&self, past: u32) -> Now {
        self.pasts[past as usize].memory.now
    }

    pub(super) fn is_new(&self, past: u32) -> bool {
        self.pasts[past as usize].heard.is_empty()
    }

    pub(super) fn content_of(&self, version: u32) -> u32 {
        self.versions.1[version as usize].0
    }

    /// The record of a version.
    pub(super) fn record(&self, version: u32) -> &Record {
        &self.records[self.content_of(version) as usize]
    }

    pub(super) fn sent(&self, number: u32) -> &Sent {
        &self.sends.1[number as usize]
    }

    pub(super) fn version(&mut self, content: u32, turn: u8) -> u32 {
        self.versions.of((content, turn))
    }

    pub(super) fn begin(&mut self, start: Start, place: (usize, u8), now: u8) -> u32 {
        let ran = self.run(start, place, now, &[]);
        let held = match start {
            Start::Delivery(held) => held,
            _ => None,
        };
        let memory = Memory {
            start,
            place,
            page: None,
            mark: held.map(|held| held.mark),
            nothing: Vec::new(),
            sent: None,
            settles: false,
            tail: Vec::new(),
            now: ran,
        };
        self.keep(start, now, Vec::new(), memory)
    }

    /// The past of a task that had `past`, and has heard one more thing.
    pub(super) fn hear(&mut self, past: u32, heard: Heard, now: u8) -> u32 {
        if let Some(next) = self.steps.get(&(past, heard, now)) {
            return *next;
        }
        let before = &self.pasts[past as usize];
        let (start, began) = (before.start, before.began);
        let mut memory = before.memory.clone();
        let all = [&before.heard[..], &[(heard, now)]].concat();
        let asked = match memory.now {
            Now::Asks(asks) => asks,
            Now::Ends(_) => panic!("it has ended"),
        };
        memory.tail.push((heard, now));
        match heard {
            Heard::Read(read) => {
                let is_page =
                    matches!(start, Start::Click(number) if self.clicks[number].1 == Click::Place);
                match read {
                    Some(version) if is_page && memory.page.is_none() => {
                        let record = self.record(version);
                        let page = (record.session.to_string(), record.revision);
                        memory.page = Some(self.pages.of(page));
                    }
                    _ => {}
                }
                self.forget(&mut memory);
            }
            Heard::Written(_) => {
                memory.settles = false;
                self.forget(&mut memory);
            }
            Heard::Marked(mark) => memory.mark = Some(mark),
            Heard::Nothing { .. } => memory.nothing.push(asked),
            Heard::Sent => {
                memory.sent = match asked {
                    Asks::Send(number) => Some(number),
                    _ => None,
                }
            }
            Heard::Turn => memory.settles = false,
            Heard::Refused | Heard::Unmarked(_) => {}
        }
        memory.now = self.run(start, memory.place, began, &all);
        match memory.now {
            Now::Asks(Asks::Write { content, expected }) => {
                let before = expected.map_or(0, |version| self.record(version).owed().len());
                memory.settles = self.records[content as usize].owed().len() < before;
            }
            // Whatever it read before, and was refused for.
            Now::Asks(Asks::Read) if self.forgets && heard == Heard::Refused => memory.tail.clear(),
            _ => {}
        }
        let next = self.keep(start, began, all, memory);
        self.steps.insert((past, heard, now), next);
        next
    }

    /// The record was read, or is known because it was written.
    fn forget(&self, memory: &mut Memory) {
        if self.forgets {
            memory.tail.drain(..memory.tail.len() - 1);
            if let Start::Delivery(held) = &mut memory.start {
                *held = None;
            }
        }
    }

    fn keep(&mut self, start: Start, began: u8, heard: Vec<(Heard, u8)>, memory: Memory) -> u32 {
        if let Some(known) = self.by_memory.get(&memory) {
            return *known;
        }
        let number = u32::try_from(self.pasts.len()).expect("so many");
        self.by_memory.insert(memory.clone(), number);
        self.pasts.push(Past {
            start,
            began,
            heard,
            memory,
        });
        number
    }

    /// The same past when `current` is stored: all other versions and marks in it are past.
    pub(super) fn age(&mut self, number: u32, current: Current) -> u32 {
        if let Some(known) = self.aged.get(&(number, current)) {
            return *known;
        }
        let Past {
            mut start,
            began,
            mut heard,
            mut memory,
        } = self.pasts[number as usize].clone();
        self.age_start(&mut start, current);
        self.age_start(&mut memory.start, current);
        for (heard, _) in heard.iter_mut().chain(&mut memory.tail) {
            self.age_heard(heard, current);
        }
        if let Some(mark) = &mut memory.mark {
            age_mark(mark, current);
        }
        if let Now::Ends(_) = memory.now {
            panic!("it has ended");
        }
        let basis = memory.tail.iter().rev().find_map(|(heard, _)| match heard {
            Heard::Read(version) => Some(*version),
            Heard::Written(version) => Some(Some(*version)),
            _ => None,
        });
        let is_refused = match &mut memory.now {
            Now::Asks(Asks::Write { expected, .. }) => {
                if let Some(version) = expected {
                    self.age_version(version, current);
                }
                *expected != current.version
            }
            Now::Asks(Asks::Unmark(mark)) => {
                age_mark(mark, current);
                false
            }
            Now::Asks(Asks::Mark) => basis.is_some_and(|version| version != current.version),
            _ => false,
        };
        let aged = if is_refused && self.forgets {
            let mut alike = memory.clone();
            alike.tail.clear();
            if let Now::Asks(Asks::Write { .. }) = alike.now {
                alike.now = Now::Asks(REFUSED);
            }
            if let Start::Delivery(held) = &mut alike.start {
                *held = None;
            }
            match self.refused.get(&alike) {
                Some(known) => *known,
                None => {
                    let number = self.keep(start, began, heard, memory);
                    self.refused.insert(alike, number);
                    number
                }
            }
        } else {
            self.keep(start, began, heard, memory)
        };
        self.aged.insert((number, current), aged);
        aged
    }

    fn age_start(&mut self, start: &mut Start, current: Current) {
        match start {
            Start::Delivery(Some(held)) => self.age_held(held, current),
            Start::OfMark(mark) => age_mark(mark, current),
            _ => {}
        }
    }

    fn age_held(&mut self, held: &mut Held, current: Current) {
        self.age_version(&mut held.version, current);
        age_mark(&mut held.mark, current);
    }

    fn age_heard(&mut self, heard: &mut Heard, current: Current) {
        match heard {
            Heard::Read(Some(version)) | Heard::Written(version) => {
                self.age_version(version, current);
            }
            Heard::Marked(mark) => age_mark(mark, current),
            _ => {}
        }
    }

    fn age_version(&mut self, version: &mut u32, current: Current) {
        if current.version != Some(*version) {
            *version = self.version(self.content_of(*version), PAST_TURN);
        }
    }
}

/// A write that will be refused, whatever it is.
const REFUSED: Asks = Asks::Write {
    content: u32::MAX,
    expected: None,
};

fn age_mark(mark: &mut u32, current: Current) {
    if current.mark != Some(*mark) {
        *mark = PAST_MARK;
    }
}
