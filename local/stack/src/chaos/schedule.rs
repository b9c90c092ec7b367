//! What goes wrong, and after how many messages: a pure function of the seed.

mod kind;

use std::time::Duration;

use fastrand::Rng;

pub(super) use kind::{Fallback, Kind, Mail, Storage};
use load::CARTS_EACH;

/// Messages between two blows, at the least.
const EVERY: usize = 40;

/// Blows in a run, at the most, however many messages there are.
const BLOWS_MAX: usize = 400;

/// A hunt takes so much longer: ten hand-outs of each message, among others that wait a second.
const HUNT: Duration = Duration::from_secs(1);

/// An outage goes on for so long after a wave's last message: longer than a handler tries one message.
pub(super) const OUTAGE: Duration = Duration::from_secs(1);

/// One blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// It falls when so many messages were sent.
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// How long a spell of it lasts.
    pub(super) lasts: Duration,
    /// For what is random in itself.
    pub(super) seed: u64,
}

/// All steps of a run, in order.
pub(super) fn schedule(seed: u64, messages: usize, sessions: usize) -> Vec<Step> {
    let mut steps = blows(seed, messages);
    steps.extend(outages(messages, sessions));
    steps.sort_by_key(|step| step.at);
    steps
}

/// Each wave of sessions ends in an outage: no later cart makes up for those that die in it.
fn outages(messages: usize, sessions: usize) -> impl Iterator<Item = Step> {
    let ends = (sessions * CARTS_EACH..messages).step_by(sessions * CARTS_EACH);
    ends.chain([messages]).map(move |end| Step {
        at: end.saturating_sub(sessions / 2).max(1),
        kind: Kind::Outage(end),
        lasts: OUTAGE,
        seed: 0,
    })
}

fn blows(seed: u64, messages: usize) -> Vec<Step> {
    let mut random = Rng::with_seed(seed.rotate_left(32));
    let every = EVERY.max(messages / BLOWS_MAX);
    let mut deck = Vec::new();
    let mut steps = Vec::new();
    for at in (every..messages).step_by(every) {
        if deck.is_empty() {
            deck = shuffled(&mut random);
        }
        let Some(kind) = deck.pop() else { break };
        let early = random.usize(0..every);
        let lasts = Duration::from_millis(random.u64(200..1_500));
        steps.push(Step {
            at: at - early,
            kind,
            lasts: match kind {
                Kind::HuntLocks | Kind::HuntInTheDark => lasts + HUNT,
                _ => lasts,
            },
            seed: random.u64(..),
        });
    }
    steps
}

/// Each kind happens once before one happens again.
fn shuffled(random: &mut Rng) -> Vec<Kind> {
    let mut deck = kind::deck();
    random.shuffle(&mut deck);
    deck
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_decides_the_schedule_and_every_kind_is_in_it() {
        assert_eq!(schedule(7, 100_000, 500), schedule(7, 100_000, 500));
        assert_ne!(schedule(7, 100_000, 500), schedule(8, 100_000, 500));
        let all: BTreeSet<Kind> = kind::deck().into_iter().collect();
        for messages in [2_000, 100_000] {
            let steps = blows(7, messages);
            let kinds: BTreeSet<Kind> = steps.iter().map(|step| step.kind).collect();
            assert_eq!(kinds, all);
            assert!(steps.len() <= BLOWS_MAX);
            let steps = schedule(7, messages, 500);
            assert!(steps.is_sorted_by_key(|step| step.at));
            assert!(steps.iter().all(|step| step.at > 0 && step.at < messages));
        }
    }

    #[test]
    fn every_wave_ends_in_an_outage_the_last_one_too() {
        let steps = schedule(7, 1_000, 20);
        let outages = steps.iter().filter_map(|step| match step.kind {
            Kind::Outage(until) => Some((step.at, until)),
            _ => None,
        });
        let outages: Vec<_> = outages.collect();
        assert_eq!(outages, [(390, 400), (790, 800), (990, 1_000)]);
    }
}
