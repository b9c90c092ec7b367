//! What a shopper's cart may be: every state to which the clicks so far can have led.
//!
//! A click that a page has answered was done, or not, and there is one state after it. One that was
//! aborted, or got no answer, may have been done, may be done later, and is done once at most: until
//! a page tells, there are several. A page that shows none of them shows that a click was lost, or
//! undone, or done twice.

use std::collections::BTreeSet;

/// The most of one product.
const QUANTITY_MAX: u64 = 10;

/// More states than this are not told apart.
const STATES_MAX: usize = 4_096;

type Lines = Vec<(u64, u64)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Add,
    Plus,
    Minus,
    Remove,
}

/// What a click asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    Step {
        step: Step,
        product: u64,
    },
    /// The order of that session, as the page showed it.
    Place {
        session: String,
        lines: Lines,
    },
}

/// How a click ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has changed something.
    Done,
    /// There was nothing to change.
    Nothing,
    /// Not done, whatever there was.
    NotDone,
    /// Nobody knows, or it is still under way.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// None before a page has named the next one.
    session: Option<String>,
    lines: Lines,
    /// Whether the open session's cart was ever changed.
    touched: bool,
    /// The orders placed, oldest first.
    placed: Vec<(String, Lines)>,
    /// Clicks that may still be done, by their number.
    open: Vec<usize>,
}

impl State {
    /// After the operation; none where it changes nothing.
    fn after(&self, operation: &Operation) -> Option<Self> {
        let mut after = self.clone();
        match operation {
            Operation::Step { step, product } => {
                let found = self.lines.iter().position(|(id, _)| id == product);
                match (step, found) {
                    (Step::Add, None) => after.lines.push((*product, 1)),
                    (_, None) => return None,
                    (Step::Remove, Some(at)) => drop(after.lines.remove(at)),
                    (Step::Add | Step::Plus, Some(at)) => {
                        let (_, quantity) = after.lines.get_mut(at)?;
                        if *quantity >= QUANTITY_MAX {
                            return None;
                        }
                        *quantity += 1;
                    }
                    (Step::Minus, Some(at)) => {
                        let (_, quantity) = after.lines.get_mut(at)?;
                        *quantity -= 1;
                        if *quantity == 0 {
                            after.lines.remove(at);
                        }
                    }
                }
                after.touched = true;
            }
            Operation::Place { session, lines } => {
                if self.session.as_ref() != Some(session) || self.lines != *lines {
                    return None;
                }
                after.placed.push((session.clone(), lines.clone()));
                (after.session, after.lines, after.touched) = (None, Vec::new(), false);
            }
        }
        Some(after)
    }

    /// Whether the page's session can be the open one.
    fn is_open(&self, session: &str) -> bool {
        match &self.session {
            Some(open) => open == session,
            None => self.placed.iter().all(|(placed, _)| placed != session),
        }
    }
}

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The open session, and nothing of its cart.
    Session(String),
    Cart {
        session: String,
        lines: Lines,
    },
    /// The order placed last, by its quantities, and the session that is open now.
    Order {
        placed: String,
        quantities: Vec<u64>,
        session: String,
    },
}

impl Page {
    fn session(&self) -> &String {
        match self {
            Self::Session(session) | Self::Cart { session, .. } | Self::Order { session, .. } => {
                session
            }
        }
    }

    fn shows(&self, state: &State) -> bool {
        state.is_open(self.session())
            && match self {
                Self::Session(_) => true,
                Self::Cart { lines, .. } => state.lines == *lines,
                Self::Order {
                    placed, quantities, ..
                } => state.placed.last().is_some_and(|(session, lines)| {
                    session == placed && lines.iter().map(|(_, it)| it).eq(quantities)
                }),
            }
    }
}

/// A page that no order of the clicks explains; what it would have had to show, as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unexplained {
    pub(super) expected: String,
}

/// All states that are possible.
#[derive(Debug)]
pub(super) struct Possible {
    /// None: too many to be told apart, so the next page is believed.
    states: Option<BTreeSet<State>>,
    /// Those whose end is open, or was.
    clicks: Vec<Operation>,
    /// How often a page was believed because too much was possible.
    pub(super) believed: u64,
}

impl Possible {
    /// Before the first page.
    pub(super) fn new() -> Self {
        Self {
            states: Some(BTreeSet::from([State {
                session: None,
                lines: Vec::new(),
                touched: false,
                placed: Vec::new(),
                open: Vec::new(),
            }])),
            clicks: Vec::new(),
            believed: 0,
        }
    }

    /// How many clicks may still be done.
    pub(super) fn open(&self) -> usize {
        let states = self.states.iter().flatten();
        states.map(|state| state.open.len()).max().unwrap_or(0)
    }

    /// Clicks made at the same time have ended so; some that were open may have been done
    /// before, between or after them.
    pub(super) fn clicked(&mut self, clicks: &[(Operation, Outcome)]) -> Result<(), Unexplained> {
        let Some(before) = self.states.clone() else {
            return Ok(());
        };
        let mut opened = before.clone();
        for (operation, outcome) in clicks {
            if *outcome == Outcome::Open {
                let number = self.clicks.len();
                self.clicks.push(operation.clone());
                let with = |mut state: State| {
                    state.open.push(number);
                    state
                };
                opened = opened.into_iter().map(with).collect();
            }
        }
        let ended = |(_, outcome): &&(Operation, Outcome)| {
            matches!(outcome, Outcome::Done | Outcome::Nothing)
        };
        let ended: Vec<&(Operation, Outcome)> = clicks.iter().filter(ended).collect();
        let mut after = BTreeSet::new();
        for order in orders(&ended) {
            let mut states = Some(opened.clone());
            for (operation, outcome) in order {
                let done = |state: State| match (outcome, state.after(operation)) {
                    (Outcome::Done, done) => done,
                    (_, None) => Some(state),
                    (_, Some(_)) => None,
                };
                let spread = states.and_then(|states| self.spread(states));
                states = spread.map(|all| all.into_iter().filter_map(done).collect());
            }
            match states {
                Some(states) => after.extend(states),
                None => {
                    self.states = None;
                    return Ok(());
                }
            }
        }
        if after.is_empty() {
            let expected = shown(&before);
            self.states = None;
            return Err(Unexplained { expected });
        }
        self.states = Some(after);
        Ok(())
    }

    /// A page was seen.
    pub(super) fn see(&mut self, page: &Page) -> Result<(), Unexplained> {
        let spread = self.states.clone().and_then(|states| self.spread(states));
        let Some(spread) = spread else {
            self.believed += 1;
            self.believe(page);
            return Ok(());
        };
        let expected = shown(&spread);
        let seen = spread.into_iter().filter(|state| page.shows(state));
        let named = |mut state: State| {
            state.session = Some(page.session().clone());
            state
        };
        let seen: BTreeSet<State> = seen.map(named).collect();
        if seen.is_empty() {
            self.believe(page);
            return Err(Unexplained { expected });
        }
        self.states = Some(seen);
        Ok(())
    }

    /// From here on, what the page shows is what there is.
    fn believe(&mut self, page: &Page) {
        if let Page::Cart { session, lines } = page {
            let state = State {
                session: Some(session.clone()),
                lines: lines.clone(),
                touched: !lines.is_empty(),
                placed: Vec::new(),
                open: (0..self.clicks.len()).collect(),
            };
            self.states = Some(BTreeSet::from([state]));
        } else {
            self.states = None;
        }
    }

    /// The open cart, where it is certain that somebody changed it; and the orders placed for
    /// certain.
    pub(super) fn certain(&self) -> Vec<(String, Lines, bool)> {
        let mut states = self.states.iter().flatten();
        let Some(first) = states.next() else {
            return Vec::new();
        };
        let open = first.session.iter().filter(|_| first.touched);
        let open = open.map(|session| (session.clone(), first.lines.clone(), false));
        let placed = first.placed.iter().cloned();
        let all = open.chain(placed.map(|(session, lines)| (session, lines, true)));
        let rest: Vec<&State> = states.collect();
        let is_in = |state: &State, (session, lines, placed): &(String, Lines, bool)| match placed {
            true => state.placed.contains(&(session.clone(), lines.clone())),
            false => {
                state.touched && state.session.as_ref() == Some(session) && state.lines == *lines
            }
        };
        all.filter(|one| rest.iter().all(|state| is_in(state, one)))
            .collect()
    }

    /// These, and what open clicks make of them; none when that is too much.
    fn spread(&self, states: BTreeSet<State>) -> Option<BTreeSet<State>> {
        let mut all = states.clone();
        let mut new: Vec<State> = states.into_iter().collect();
        while let Some(state) = new.pop() {
            for number in &state.open {
                let operation = self.clicks.get(*number);
                let Some(mut after) = operation.and_then(|it| state.after(it)) else {
                    continue;
                };
                after.open.retain(|open| open != number);
                if all.insert(after.clone()) {
                    new.push(after);
                }
            }
            if all.len() > STATES_MAX {
                return None;
            }
        }
        Some(all)
    }
}

/// One after the other, in either order: two clicks at most are made at the same time.
fn orders<'a, T>(ended: &[&'a T]) -> Vec<Vec<&'a T>> {
    let forth = ended.to_vec();
    let back: Vec<&T> = ended.iter().rev().copied().collect();
    match ended.len() {
        0 | 1 => vec![forth],
        _ => vec![forth, back],
    }
}

fn shown(states: &BTreeSet<State>) -> String {
    const SHOWN_MAX: usize = 4;
    let texts = states.iter().take(SHOWN_MAX).map(|state| {
        let session = state.session.as_deref().unwrap_or("(a new session)");
        let lines = state.lines.iter();
        let lines: Vec<_> = lines
            .map(|(id, it)| format!("{it} × product {id}"))
            .collect();
        format!("[{}] in {session}", lines.join(", "))
    });
    let mut texts: Vec<String> = texts.collect();
    if states.len() > SHOWN_MAX {
        texts.push(format!("{} more", states.len() - SHOWN_MAX));
    }
    texts.join(" or ")
}

#[cfg(test)]
mod tests;
