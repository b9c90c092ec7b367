//! Breadth first, every state once; so the first trace to anything is a shortest one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use super::protocol::{Broken, Protocol, State, Step};

#[derive(Debug)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) steps: usize,
    /// The shortest trace to each thing that broke.
    pub(super) broken: BTreeMap<Broken, Trace>,
    /// The shortest trace to a hand-over.
    pub(super) mailed: Option<Trace>,
    /// What is stored and what is mailed where nothing can happen any more.
    pub(super) ends: BTreeSet<(u8, u8)>,
}

#[derive(Debug)]
pub(super) struct Trace(Vec<Step>);

impl Trace {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for (index, step) in self.0.iter().enumerate() {
            let handler = step.handler.map(|handler| format!("h{handler} "));
            let message = (step.message > 0).then(|| format!("m{}: ", step.message));
            let (handler, message) = (handler.unwrap_or_default(), message.unwrap_or_default());
            writeln!(text, "{:3}. {handler}{message}{}", index + 1, step.what).unwrap();
        }
        text
    }
}

struct Node {
    state: State,
    parent: usize,
    step: Option<Step>,
}

/// Visits every state that can be reached; what lies behind a broken one is not looked at. Ends
/// early once `wanted` is found.
pub(super) fn explore(protocol: &Protocol, wanted: Option<Broken>) -> Explored {
    let initial = State::initial(protocol);
    let mut seen = HashSet::from([initial.key(protocol)]);
    let mut nodes = vec![Node {
        state: initial,
        parent: 0,
        step: None,
    }];
    let mut explored = Explored {
        states: 0,
        steps: 0,
        broken: BTreeMap::new(),
        mailed: None,
        ends: BTreeSet::new(),
    };
    let mut successors = Vec::new();
    let mut at = 0;
    while let Some(node) = nodes.get(at) {
        protocol.successors(&node.state, &mut successors);
        if successors.is_empty() {
            explored.ends.insert(node.state.end());
        }
        for successor in successors.drain(..) {
            explored.steps += 1;
            if let Some(broken) = successor.broken {
                let trace = || trace(&nodes, at, successor.step);
                explored.broken.entry(broken).or_insert_with(trace);
                continue;
            }
            if successor.state.was_mailed() && explored.mailed.is_none() {
                explored.mailed = Some(trace(&nodes, at, successor.step));
            }
            if seen.insert(successor.state.key(protocol)) {
                nodes.push(Node {
                    state: successor.state,
                    parent: at,
                    step: Some(successor.step),
                });
            }
        }
        at += 1;
        if wanted.is_some_and(|wanted| explored.broken.contains_key(&wanted)) {
            break;
        }
    }
    explored.states = nodes.len();
    explored
}

fn trace(nodes: &[Node], mut at: usize, last: Step) -> Trace {
    let mut steps = vec![last];
    while let Some(step) = nodes[at].step {
        steps.push(step);
        at = nodes[at].parent;
    }
    steps.reverse();
    Trace(steps)
}
