//! What can go wrong with a stand-in, and its names: one table for the dashboard's switches, the
//! `--faults` of a load and the faults of a chaos run.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Serialize, Serializer};

/// What goes wrong with a request. A refused connection is no fault of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The request is refused and changes nothing.
    Status {
        status: StatusCode,
        /// The error code in the answer, as the service spells it (`ServerBusy`).
        error_code: &'static str,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
    },
    /// The request takes effect and is answered this much later, even if its client has left.
    Delay(Duration),
    /// The request takes no effect and gets no answer. Its connection is closed at the next
    /// change of the standing fault.
    Hang,
    /// The request takes no effect, and its connection is closed without an answer: what a refused
    /// connection is where others are served behind the same port.
    DropConnection,
    /// The request takes effect, and the connection is closed without an answer.
    ApplyThenDropConnection,
    /// The request takes effect, and the answer is this status all the same.
    ApplyThenStatus(StatusCode),
}

impl Fault {
    /// Everything is refused, as after a lost role assignment or behind a firewall.
    pub const FORBID_ALL: Self = Self::Status {
        status: StatusCode::FORBIDDEN,
        error_code: "AuthorizationFailure",
        retry_after: None,
    };
}

/// What is wrong with a whole service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedFault {
    #[default]
    None,
    /// Connections are reset.
    Refuses,
    /// The same; so it is called where nobody sees single connections.
    Down,
    ServerBusy,
    TooManyRequests,
    BadGateway,
    /// Requests take effect, and late.
    Slow,
    Hangs,
    LosesTheReply,
    /// Requests take effect, and the answer is an error.
    SaysNoAndDoesIt,
    Forbids,
    /// Another one for each request, at random.
    Flaky,
    /// An answer that has no name here: a test has set it by itself.
    Other,
}

/// What may be wrong with the storage.
pub const STORAGE_FAULTS: [NamedFault; 9] = [
    NamedFault::Refuses,
    NamedFault::ServerBusy,
    NamedFault::TooManyRequests,
    NamedFault::Slow,
    NamedFault::Hangs,
    NamedFault::LosesTheReply,
    NamedFault::SaysNoAndDoesIt,
    NamedFault::Forbids,
    NamedFault::Flaky,
];

/// What may be wrong with the bus for those who send to it; whoever receives notices nothing.
pub const BUS_FAULTS: [NamedFault; 8] = [
    NamedFault::Refuses,
    NamedFault::ServerBusy,
    NamedFault::TooManyRequests,
    NamedFault::Slow,
    NamedFault::Hangs,
    NamedFault::LosesTheReply,
    NamedFault::SaysNoAndDoesIt,
    NamedFault::Flaky,
];

/// What may be wrong with the Logic App.
pub const LOGIC_APP_FAULTS: [NamedFault; 5] = [
    NamedFault::Down,
    NamedFault::BadGateway,
    NamedFault::Hangs,
    NamedFault::LosesTheReply,
    NamedFault::Flaky,
];

/// What may be wrong with the e-mail service behind it.
pub const MAIL_FAULTS: [NamedFault; 2] = [NamedFault::ServerBusy, NamedFault::LosesTheReply];

/// What a name leaves open. Who looks on wants it slower than who waits for the end of a run.
#[derive(Debug, Clone, Copy)]
pub struct FaultDegree<'a> {
    /// How late a slow service answers.
    pub slow: Duration,
    /// The `Retry-After` of [`NamedFault::TooManyRequests`], in seconds.
    pub retry_after: u32,
    /// What a flaky service chooses from.
    pub flaky: &'a [Fault],
    /// The same seed gives the same choices.
    pub seed: u64,
}

/// There is no such fault, or not of this service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{found}`, expected one of `none`, {allowed}")]
pub struct UnknownFault {
    found: String,
    allowed: String,
}

impl NamedFault {
    /// As the dashboard's API and the command line have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Refuses => "refuses",
            Self::Down => "down",
            Self::ServerBusy => "503",
            Self::TooManyRequests => "429",
            Self::BadGateway => "502",
            Self::Slow => "slow",
            Self::Hangs => "hangs",
            Self::LosesTheReply => "applies-but-loses-the-reply",
            Self::SaysNoAndDoesIt => "applies-but-says-no",
            Self::Forbids => "forbids",
            Self::Flaky => "flaky",
            Self::Other => "other",
        }
    }

    /// `none`, or the one of `allowed` that is called so.
    ///
    /// # Errors
    /// [`UnknownFault`] lists the names there are.
    pub fn read(name: &str, allowed: &[Self]) -> Result<Self, UnknownFault> {
        let mut known = [Self::None].iter().chain(allowed);
        let found = known.find(|fault| fault.name() == name).copied();
        found.ok_or_else(|| {
            let allowed: Vec<_> = allowed
                .iter()
                .map(|it| format!("`{}`", it.name()))
                .collect();
            UnknownFault {
                found: name.to_owned(),
                allowed: allowed.join(", "),
            }
        })
    }

    /// What a single request meets; nothing when connections are refused, or when it depends.
    #[must_use]
    pub fn fault(self, degree: &FaultDegree<'_>) -> Fault {
        let status = |status, error_code, retry_after| Fault::Status {
            status,
            error_code,
            retry_after,
        };
        match self {
            Self::None | Self::Refuses | Self::Down | Self::Flaky | Self::Other => Fault::None,
            Self::ServerBusy => status(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", None),
            Self::TooManyRequests => status(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                Some(degree.retry_after),
            ),
            Self::BadGateway => status(StatusCode::BAD_GATEWAY, "BadGateway", None),
            Self::Slow => Fault::Delay(degree.slow),
            Self::Hangs => Fault::Hang,
            Self::LosesTheReply => Fault::ApplyThenDropConnection,
            Self::SaysNoAndDoesIt => Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Forbids => Fault::FORBID_ALL,
        }
    }

    /// What a fault is called that was set without a name.
    pub(crate) fn that_is(fault: Fault) -> Self {
        match fault {
            Fault::None => Self::None,
            Fault::Status { status, .. } => match status {
                StatusCode::SERVICE_UNAVAILABLE => Self::ServerBusy,
                StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
                StatusCode::BAD_GATEWAY => Self::BadGateway,
                StatusCode::FORBIDDEN => Self::Forbids,
                _ => Self::Other,
            },
            Fault::Delay(_) => Self::Slow,
            Fault::Hang => Self::Hangs,
            Fault::DropConnection => Self::Refuses,
            Fault::ApplyThenDropConnection => Self::LosesTheReply,
            Fault::ApplyThenStatus(_) => Self::SaysNoAndDoesIt,
        }
    }
}

impl Serialize for NamedFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let unknown = NamedFault::read("lost", &LOGIC_APP_FAULTS).expect_err("no such fault");
        let text = unknown.to_string();
        for name in ["`lost`", "`none`", "`down`", "`502`", "`hangs`", "`flaky`"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        assert!(NamedFault::read("503", &LOGIC_APP_FAULTS).is_err());
    }
}
