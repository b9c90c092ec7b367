//! What must hold in a state.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::super::setup::{Choice, How, Limits, Told};
use super::super::verdict::{is_placed, possible, times};
use super::{Asks, CLICKS, HEALER, Rules, State, TASKS, Wrong};

impl Rules<'_> {
    /// All that a verdict goes by.
    pub(in super::super) fn outside(&self, state: &State) -> u64 {
        let late = state.late.iter().map(|asks| match *asks {
            Asks::Write { content, expected } => (1, content, expected == state.record),
            Asks::Unmark(mark) => (2, 0, state.mark == Some(mark)),
            Asks::Send(number) => (3, number, true),
            _ => (4, 0, true),
        });
        let late: BTreeSet<_> = late.collect();
        let content = state.record.map(|version| self.parts.content_of(version));
        let mut hasher = DefaultHasher::new();
        (
            content,
            state.mark.is_some(),
            state.now,
            &state.messages,
            late,
            &state.told,
        )
            .hash(&mut hasher);
        hasher.finish()
    }

    /// What must hold, wherever a run stands: all instances are killed, what is in the air arrives,
    /// or never does, and another one looks for what nobody sends. Then nothing waits, nothing
    /// confirmed is lost, and nothing went back.
    pub(in super::super) fn judge(&mut self, state: &State) -> Result<(), Wrong> {
        let all_dead = State {
            tasks: [None; TASKS],
            memories: Default::default(),
            left: Limits::NONE,
            ..state.clone()
        };
        let never = State {
            late: Vec::new(),
            ..all_dead.clone()
        };
        let told = state.told;
        let healed = self.heal(never)?;
        self.clicks(&told, &healed)?;
        if !all_dead.late.is_empty() {
            let mut healed = self.heal(all_dead)?;
            while !healed.late.is_empty() {
                healed = self.apply(&healed, Choice::Arrives(0))?;
            }
            let healed = self.heal(healed)?;
            self.clicks(&told, &healed)?;
        }
        Ok(())
    }

    /// One sweep, when every claim is over, and one more for the mark that it may find too many.
    fn heal(&mut self, mut state: State) -> Result<State, Wrong> {
        for _ in 0..2 {
            state.now = self.setup.limits.waits + 1;
            self.sweep(&mut state, HEALER);
            while let Some(task) = (0..TASKS).find(|task| state.tasks[*task].is_some()) {
                self.answer(&mut state, task, How::Done)?;
                self.age(&mut state);
            }
        }
        Ok(state)
    }

    /// Every click that was confirmed is there once, none that was refused, and the bus has all.
    fn clicks(&self, told: &[Option<Told>; CLICKS], state: &State) -> Result<(), Wrong> {
        let Some(version) = state.record else {
            let none = told.iter().all(|told| *told != Some(Told::Done));
            return none
                .then_some(())
                .ok_or("a confirmed cart has no record".to_owned());
        };
        let record = self.parts.record(version);
        if !record.owed().is_empty() {
            return Err(format!(
                "{} orders wait when all is healed",
                record.owed().len()
            ));
        }
        if state.mark.is_some() {
            return Err("a mark is left on a clean record".to_owned());
        }
        for ((_, click), told) in self.setup.clicks.iter().zip(told) {
            let times = times(record, *click);
            if !possible(*told).contains(&times) {
                return Err(format!(
                    "{click:?} was told {told:?}, and is there {times} times"
                ));
            }
        }
        if let Some(placed) = &record.placed {
            let newest = self.newest(state, placed.session.as_str());
            if !newest.is_some_and(|(_, order)| is_placed(order)) {
                return Err("the placed order is not the last that the bus has of it".to_owned());
            }
        }
        let newest = self.newest(state, record.session.as_str());
        let is_there = newest.is_some_and(|(at, _)| u64::from(at) == record.revision);
        if !record.cart.lines().is_empty() && !is_there {
            return Err("the bus does not have the open cart as it is".to_owned());
        }
        Ok(())
    }
}
