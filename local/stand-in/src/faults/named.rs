//! The faults by their names: one table for the dashboard's switches, the `--faults` of a load
//! and the blows of a chaos run.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Serialize, Serializer};

use super::Fault;

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
    pub(super) fn that_is(fault: Fault) -> Self {
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
    use super::super::{FaultSwitch, Flaky};
    use super::*;

    const DEGREE: FaultDegree<'static> = FaultDegree {
        slow: Duration::from_secs(3),
        retry_after: 2,
        flaky: &[Fault::Hang],
        seed: 1,
    };

    #[test]
    fn a_name_is_read_back_and_told_by_the_switch() {
        let all = [&STORAGE_FAULTS[..], &LOGIC_APP_FAULTS, &MAIL_FAULTS];
        for allowed in all {
            for fault in [NamedFault::None].iter().chain(allowed) {
                assert_eq!(NamedFault::read(fault.name(), allowed), Ok(*fault));
                let switch = FaultSwitch::default();
                switch.turn(*fault, &DEGREE);
                assert_eq!(switch.named(), *fault);
                switch.set(Fault::None);
                assert_eq!(switch.named(), NamedFault::None);
            }
        }
    }

    #[test]
    fn a_fault_that_was_set_without_its_name_is_told_too() {
        for fault in STORAGE_FAULTS.iter().chain(&LOGIC_APP_FAULTS) {
            let switch = FaultSwitch::default();
            switch.set(fault.fault(&DEGREE));
            let named = match fault {
                NamedFault::Refuses | NamedFault::Down | NamedFault::Flaky => NamedFault::None,
                _ => *fault,
            };
            assert_eq!(switch.named(), named);
        }
        let switch = FaultSwitch::default();
        switch.refuse_connections();
        assert_eq!(switch.named(), NamedFault::Refuses);
        switch.set_flaky(Flaky::new(1, vec![Fault::Hang]));
        assert_eq!(switch.named(), NamedFault::Flaky);
    }

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
