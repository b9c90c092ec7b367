//! What goes wrong, and after how many messages: a pure function of the seed.

use std::time::Duration;

use fastrand::Rng;

/// Messages between two blows, at the least.
const EVERY: usize = 40;

/// Blows in a run, at the most, however many messages there are.
const BLOWS_MAX: usize = 400;

/// A hunt takes so much longer: ten hand-outs of each message, among others that wait a second.
const HUNT: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Storage(Storage),
    Fallback(Fallback),
    Mail(Mail),
    /// The handler of this host is killed.
    Kill(usize),
    /// Both are killed when an upload has taken effect and is not answered.
    KillInUpload,
    /// The locks of all that is handed out end.
    LoseLocks,
    /// The locks of the oldest messages end again and again, up to the dead-letter queue, while uploads are slow.
    HuntLocks,
    /// The same while neither storage nor Logic App takes anything.
    HuntInTheDark,
}

/// What the storage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Storage {
    Refuses,
    ServerBusy,
    TooManyRequests,
    /// Every write lands after its client has given up.
    Late,
    Hangs,
    LosesTheReply,
    SaysNoAndDoesIt,
    Forbids,
    Flaky,
}

/// What the Logic App does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fallback {
    Down,
    BadGateway,
    Hangs,
    LosesTheReply,
    Flaky,
}

/// What the e-mail service behind the Logic App does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mail {
    Busy,
    LosesTheReply,
}

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

const STORAGE: [Storage; 9] = [
    Storage::Refuses,
    Storage::ServerBusy,
    Storage::TooManyRequests,
    Storage::Late,
    Storage::Hangs,
    Storage::LosesTheReply,
    Storage::SaysNoAndDoesIt,
    Storage::Forbids,
    Storage::Flaky,
];
const FALLBACK: [Fallback; 5] = [
    Fallback::Down,
    Fallback::BadGateway,
    Fallback::Hangs,
    Fallback::LosesTheReply,
    Fallback::Flaky,
];
const MAIL: [Mail; 2] = [Mail::Busy, Mail::LosesTheReply];

/// All steps of a run, in order.
pub(super) fn schedule(seed: u64, messages: usize) -> Vec<Step> {
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

/// Every kind there is: each happens once before one happens again.
fn shuffled(random: &mut Rng) -> Vec<Kind> {
    let mut deck = vec![
        Kind::Kill(0),
        Kind::Kill(1),
        Kind::Kill(0),
        Kind::Kill(1),
        Kind::KillInUpload,
        Kind::KillInUpload,
        Kind::LoseLocks,
        Kind::LoseLocks,
        Kind::LoseLocks,
        Kind::HuntLocks,
        Kind::HuntInTheDark,
    ];
    deck.extend(STORAGE.map(Kind::Storage));
    deck.extend(FALLBACK.map(Kind::Fallback));
    deck.extend(MAIL.map(Kind::Mail));
    random.shuffle(&mut deck);
    deck
}

impl Kind {
    /// For the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Storage(Storage::Refuses) => "storage refuses connections",
            Self::Storage(Storage::ServerBusy) => "storage 503",
            Self::Storage(Storage::TooManyRequests) => "storage 429, Retry-After 1",
            Self::Storage(Storage::Late) => "storage writes after the time limit",
            Self::Storage(Storage::Hangs) => "storage hangs",
            Self::Storage(Storage::LosesTheReply) => "storage loses replies",
            Self::Storage(Storage::SaysNoAndDoesIt) => "storage writes and says 500",
            Self::Storage(Storage::Forbids) => "storage 403",
            Self::Storage(Storage::Flaky) => "storage flaky",
            Self::Fallback(Fallback::Down) => "Logic App refuses connections",
            Self::Fallback(Fallback::BadGateway) => "Logic App 502",
            Self::Fallback(Fallback::Hangs) => "Logic App hangs",
            Self::Fallback(Fallback::LosesTheReply) => "Logic App loses replies",
            Self::Fallback(Fallback::Flaky) => "Logic App flaky",
            Self::Mail(Mail::Busy) => "e-mail service 503",
            Self::Mail(Mail::LosesTheReply) => "e-mail service loses replies",
            Self::Kill(_) => "kill -9 of a handler",
            Self::KillInUpload => "kill -9 of both in an upload",
            Self::LoseLocks => "all locks lost",
            Self::HuntLocks => "locks lost over and over",
            Self::HuntInTheDark => "the same with both services down",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_decides_the_schedule_and_every_kind_is_in_it() {
        assert_eq!(schedule(7, 100_000), schedule(7, 100_000));
        assert_ne!(schedule(7, 100_000), schedule(8, 100_000));
        let all: BTreeSet<Kind> = shuffled(&mut Rng::with_seed(1)).into_iter().collect();
        for messages in [2_000, 100_000] {
            let steps = schedule(7, messages);
            let kinds: BTreeSet<Kind> = steps.iter().map(|step| step.kind).collect();
            assert_eq!(kinds, all);
            assert!(steps.is_sorted_by_key(|step| step.at));
            assert!(steps.iter().all(|step| step.at > 0 && step.at < messages));
            assert!(steps.len() <= BLOWS_MAX);
        }
    }
}
