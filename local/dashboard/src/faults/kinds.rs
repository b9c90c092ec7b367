//! The faults by their names, and what each does to its part.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use stand_in::{Fault, FaultSwitch, Flaky};

const RETRY_AFTER_SECONDS: u32 = 2;
const SLOW: Duration = Duration::from_secs(3);
/// A flaky service is slow for less: it is meant to be met by many requests.
const A_LITTLE_SLOW: Duration = Duration::from_millis(300);

/// The same faults in every run.
const SEED: u64 = 20_260_504;

/// What is wrong with the storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StorageFault {
    #[default]
    None,
    Refuses,
    #[serde(rename = "503")]
    ServerBusy,
    #[serde(rename = "429")]
    TooManyRequests,
    Slow,
    Hangs,
    AppliesButLosesTheReply,
    Forbids,
    Flaky,
}

/// What is wrong with the Logic App.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogicAppFault {
    #[default]
    None,
    Down,
    #[serde(rename = "502")]
    BadGateway,
    Hangs,
    Flaky,
}

const SERVER_BUSY: Fault = status(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", None);
const TOO_MANY: Fault = status(
    StatusCode::TOO_MANY_REQUESTS,
    "TooManyRequests",
    Some(RETRY_AFTER_SECONDS),
);
const BAD_GATEWAY: Fault = status(StatusCode::BAD_GATEWAY, "BadGateway", None);

const fn status(status: StatusCode, error_code: &'static str, retry_after: Option<u32>) -> Fault {
    Fault::Status {
        status,
        error_code,
        retry_after,
    }
}

impl StorageFault {
    pub(super) fn turn(self, switch: &FaultSwitch) {
        let fault = match self {
            Self::None => Fault::None,
            Self::Refuses => return switch.refuse_connections(),
            Self::ServerBusy => SERVER_BUSY,
            Self::TooManyRequests => TOO_MANY,
            Self::Slow => Fault::Delay(SLOW),
            Self::Hangs => Fault::Hang,
            Self::AppliesButLosesTheReply => Fault::ApplyThenDropConnection,
            Self::Forbids => Fault::FORBID_ALL,
            Self::Flaky => return switch.set_flaky(Flaky::new(SEED, flaky_storage())),
        };
        switch.set(fault);
    }
}

impl LogicAppFault {
    pub(super) fn turn(self, switch: &FaultSwitch) {
        let fault = match self {
            Self::None => Fault::None,
            Self::Down => return switch.refuse_connections(),
            Self::BadGateway => BAD_GATEWAY,
            Self::Hangs => Fault::Hang,
            Self::Flaky => {
                let choices = vec![Fault::None, BAD_GATEWAY, Fault::ApplyThenDropConnection];
                return switch.set_flaky(Flaky::new(SEED, choices));
            }
        };
        switch.set(fault);
    }
}

/// Half of the requests meet none. One that hangs costs its client the whole time limit, so it is
/// rare.
fn flaky_storage() -> Vec<Fault> {
    let faults = [
        SERVER_BUSY,
        TOO_MANY,
        Fault::Delay(A_LITTLE_SLOW),
        Fault::ApplyThenDropConnection,
        Fault::FORBID_ALL,
    ];
    let mut choices = [faults; 4].concat();
    choices.push(Fault::Hang);
    let healthy = vec![Fault::None; choices.len()];
    choices.extend(healthy);
    choices
}
