//! Every state that a setup can come to.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use super::setup::{Choice, Setup};
use super::states::{Rules, State, Wrong};

/// What was seen of a setup.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) states: usize,
    /// How often the real code ran.
    pub(super) runs: usize,
    /// What is kept outside of the instances, and was judged.
    pub(super) outsides: Keys,
}

/// Hashes, which are not to be hashed once more.
pub(super) type Keys = HashSet<u64, BuildHasherDefault<AsItIs>>;

#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        panic!("for hashes only");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Every state, or the way to one that is wrong.
pub(super) fn visit_all(setup: &Setup, forgets: bool) -> Result<Seen, Wrong> {
    let mut rules = Rules::new(setup, forgets);
    let (mut seen, mut outsides) = (Keys::default(), Keys::default());
    let first = rules.begin();
    seen.insert(first.key());
    let mut way: Vec<(State, Vec<Choice>)> = Vec::new();
    let choices = rules.choices(&first);
    way.push((first, choices));
    while let Some((state, choices)) = way.last_mut() {
        let Some(choice) = choices.pop() else {
            way.pop();
            continue;
        };
        let result = rules.apply(state, choice).and_then(|next| {
            let is_new = seen.insert(next.key());
            if is_new && seen.len() % 10_000_000 == 0 {
                println!("{} states, {} runs", seen.len(), rules.parts.runs());
            }
            if is_new && outsides.insert(rules.outside(&next)) {
                rules
                    .judge(&next)
                    .map_err(|wrong| format!("{wrong}\n{}", rules.describe(&next)))?;
            }
            Ok((next, is_new))
        });
        match result {
            Ok((next, true)) => {
                let choices = rules.choices(&next);
                way.push((next, choices));
            }
            Ok((_, false)) => {}
            Err(wrong) => {
                let mut text = format!("{wrong}\nat {choice:?}, after:");
                for (state, _) in &way {
                    write!(text, "\n{}", rules.describe(state)).expect("a text");
                }
                return Err(text);
            }
        }
    }
    Ok(Seen {
        states: seen.len(),
        runs: rules.parts.runs(),
        outsides,
    })
}
