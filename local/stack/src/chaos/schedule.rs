//! What goes wrong, and after how many messages: a pure function of the seed.

use std::time::Duration;

use fastrand::Rng;
use load::CARTS_EACH;
use stand_in::{LOGIC_APP_FAULTS, MAIL_FAULTS, NamedFault, STORAGE_FAULTS};

/// Messages between two injections, at the least.
const EVERY_MIN: usize = 40;

/// Injections in a run, at the most, however many messages there are.
const INJECTIONS_MAX: usize = 400;

/// To lose locks up to the dead-letter queue takes so much longer: ten hand-outs of each message,
/// among others that wait a second.
const TEN_DELIVERIES: Duration = Duration::from_secs(1);

/// An outage goes on for so long after a wave's last message: longer than a handler tries one
/// message.
pub(super) const OUTAGE: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Injection {
    Storage(NamedFault),
    LogicApp(NamedFault),
    /// The e-mail service behind the Logic App.
    Mail(NamedFault),
    /// The handler of this host is killed.
    Kill(usize),
    /// Both are killed when an upload has taken effect and is not answered.
    KillDuringUpload,
    /// The locks of all that is handed out end.
    LoseLocks,
    /// The locks of the oldest messages end again and again, up to the dead-letter queue, while
    /// uploads are slow.
    LoseLocksRepeatedly,
    /// The same while neither storage nor Logic App takes anything.
    LoseLocksWhileDown,
    /// Neither storage nor Logic App takes anything for so long that messages use up their
    /// deliveries: until so many messages were sent, and a little longer.
    Outage(usize),
}

impl Injection {
    /// For the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Storage(fault) => match fault {
                NamedFault::Refuses | NamedFault::Down => "storage refuses connections",
                NamedFault::ServerBusy => "storage 503",
                NamedFault::TooManyRequests => "storage 429, Retry-After 1",
                NamedFault::BadGateway => "storage 502",
                NamedFault::Slow => "storage writes after the time limit",
                NamedFault::Hangs => "storage hangs",
                NamedFault::LosesTheReply => "storage loses replies",
                NamedFault::SaysNoAndDoesIt => "storage writes and says 500",
                NamedFault::Forbids => "storage 403",
                NamedFault::Flaky => "storage flaky",
                NamedFault::None | NamedFault::Other => "storage",
            },
            Self::LogicApp(fault) => match fault {
                NamedFault::Refuses | NamedFault::Down => "Logic App refuses connections",
                NamedFault::BadGateway => "Logic App 502",
                NamedFault::Hangs => "Logic App hangs",
                NamedFault::LosesTheReply => "Logic App loses replies",
                NamedFault::Flaky => "Logic App flaky",
                _ => "Logic App",
            },
            Self::Mail(NamedFault::ServerBusy) => "e-mail service 503",
            Self::Mail(NamedFault::LosesTheReply) => "e-mail service loses replies",
            Self::Mail(_) => "e-mail service",
            Self::Kill(_) => "kill -9 of a handler",
            Self::KillDuringUpload => "kill -9 of both in an upload",
            Self::LoseLocks => "all locks lost",
            Self::LoseLocksRepeatedly => "locks lost over and over",
            Self::LoseLocksWhileDown => "the same with both services down",
            Self::Outage(_) => "outage until messages are dead letters",
        }
    }
}

/// Every kind there is, some more than once.
fn deck() -> Vec<Injection> {
    let mut deck = vec![
        Injection::Kill(0),
        Injection::Kill(1),
        Injection::Kill(0),
        Injection::Kill(1),
        Injection::KillDuringUpload,
        Injection::KillDuringUpload,
        Injection::LoseLocks,
        Injection::LoseLocks,
        Injection::LoseLocks,
        Injection::LoseLocksRepeatedly,
        Injection::LoseLocksWhileDown,
    ];
    deck.extend(STORAGE_FAULTS.map(Injection::Storage));
    deck.extend(LOGIC_APP_FAULTS.map(Injection::LogicApp));
    deck.extend(MAIL_FAULTS.map(Injection::Mail));
    deck
}

/// One injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// It happens when so many messages were sent.
    pub(super) at: usize,
    pub(super) injection: Injection,
    pub(super) lasts: Duration,
    /// For what is random in itself.
    pub(super) seed: u64,
}

/// All steps of a run, in order.
pub(super) fn schedule(seed: u64, messages: usize, sessions: usize) -> Vec<Step> {
    let mut steps = injections(seed, messages);
    steps.extend(outages(messages, sessions));
    steps.sort_by_key(|step| step.at);
    steps
}

/// Each wave of sessions ends in an outage: no later cart makes up for those that die in it.
fn outages(messages: usize, sessions: usize) -> impl Iterator<Item = Step> {
    let ends = (sessions * CARTS_EACH..messages).step_by(sessions * CARTS_EACH);
    ends.chain([messages]).map(move |end| Step {
        at: end.saturating_sub(sessions / 2).max(1),
        injection: Injection::Outage(end),
        lasts: OUTAGE,
        seed: 0,
    })
}

fn injections(seed: u64, messages: usize) -> Vec<Step> {
    let mut random = Rng::with_seed(seed.rotate_left(32));
    let every = EVERY_MIN.max(messages / INJECTIONS_MAX);
    let mut deck = Vec::new();
    let mut steps = Vec::new();
    for at in (every..messages).step_by(every) {
        if deck.is_empty() {
            deck = shuffled(&mut random);
        }
        let Some(injection) = deck.pop() else { break };
        let early = random.usize(0..every);
        let lasts = Duration::from_millis(random.u64(200..1_500));
        steps.push(Step {
            at: at - early,
            injection,
            lasts: match injection {
                Injection::LoseLocksRepeatedly | Injection::LoseLocksWhileDown => {
                    lasts + TEN_DELIVERIES
                }
                _ => lasts,
            },
            seed: random.u64(..),
        });
    }
    steps
}

/// Each kind happens once before one happens again.
fn shuffled(random: &mut Rng) -> Vec<Injection> {
    let mut deck = deck();
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
        let all: BTreeSet<Injection> = deck().into_iter().collect();
        for messages in [2_000, 100_000] {
            let steps = injections(7, messages);
            let kinds: BTreeSet<Injection> = steps.iter().map(|step| step.injection).collect();
            assert_eq!(kinds, all);
            assert!(steps.len() <= INJECTIONS_MAX);
            let steps = schedule(7, messages, 500);
            assert!(steps.is_sorted_by_key(|step| step.at));
            assert!(steps.iter().all(|step| step.at > 0 && step.at < messages));
        }
    }

    #[test]
    fn every_wave_ends_in_an_outage_the_last_one_too() {
        let steps = schedule(7, 1_000, 20);
        let outages = steps.iter().filter_map(|step| match step.injection {
            Injection::Outage(until) => Some((step.at, until)),
            _ => None,
        });
        let outages: Vec<_> = outages.collect();
        assert_eq!(outages, [(390, 400), (790, 800), (990, 1_000)]);
    }
}
