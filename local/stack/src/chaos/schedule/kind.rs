//! The kinds of trouble there are, and what the report calls them.

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chaos) enum Kind {
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
    /// Neither storage nor Logic App takes anything for so long that messages use up their deliveries. It goes on when so
    /// many messages were sent, and a little longer.
    Outage(usize),
}

/// What the storage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chaos) enum Storage {
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
pub(in crate::chaos) enum Fallback {
    Down,
    BadGateway,
    Hangs,
    LosesTheReply,
    Flaky,
}

/// What the e-mail service behind the Logic App does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chaos) enum Mail {
    Busy,
    LosesTheReply,
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

impl Kind {
    /// For the report.
    pub(in crate::chaos) fn name(self) -> &'static str {
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
            Self::Outage(_) => "outage until messages are dead letters",
        }
    }
}

/// Every kind there is, some more than once.
pub(super) fn deck() -> Vec<Kind> {
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
    deck
}
