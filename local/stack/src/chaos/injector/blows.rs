//! What breaks storage, Logic App and e-mail service.

use std::time::Duration;

use super::super::schedule::{Fallback, Mail, Storage};
use stand_in::{Fault, FaultSwitch, Flaky, StatusCode};

/// Longer than the handler's time limit of an attempt.
pub(in crate::chaos) const LATE: Duration = Duration::from_millis(1_300);

pub(super) const BAD_GATEWAY: Fault = status(StatusCode::BAD_GATEWAY, "BadGateway", None);
const SERVER_BUSY: Fault = status(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", None);
const TOO_MANY: Fault = status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", Some(1));
const DONE_AND_DENIED: Fault = Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR);

const fn status(status: StatusCode, error_code: &'static str, retry_after: Option<u32>) -> Fault {
    Fault::Status {
        status,
        error_code,
        retry_after,
    }
}

pub(super) fn break_storage(storage: &FaultSwitch, fault: Storage, seed: u64) {
    let fault = match fault {
        Storage::Refuses => return storage.refuse_connections(),
        Storage::Flaky => {
            let all = vec![
                Fault::None,
                SERVER_BUSY,
                Fault::ApplyThenDropConnection,
                Fault::Delay(LATE),
                DONE_AND_DENIED,
                Fault::FORBID_ALL,
                Fault::Hang,
            ];
            return storage.set_flaky(Flaky::new(seed, all));
        }
        Storage::ServerBusy => SERVER_BUSY,
        Storage::TooManyRequests => TOO_MANY,
        Storage::Late => Fault::Delay(LATE),
        Storage::Hangs => Fault::Hang,
        Storage::LosesTheReply => Fault::ApplyThenDropConnection,
        Storage::SaysNoAndDoesIt => DONE_AND_DENIED,
        Storage::Forbids => Fault::FORBID_ALL,
    };
    storage.set(fault);
}

pub(super) fn break_fallback(fallback: &FaultSwitch, fault: Fallback, seed: u64) {
    let fault = match fault {
        Fallback::Down => return fallback.refuse_connections(),
        Fallback::Flaky => {
            let all = vec![Fault::None, BAD_GATEWAY, Fault::ApplyThenDropConnection];
            return fallback.set_flaky(Flaky::new(seed, all));
        }
        Fallback::BadGateway => BAD_GATEWAY,
        Fallback::Hangs => Fault::Hang,
        Fallback::LosesTheReply => Fault::ApplyThenDropConnection,
    };
    fallback.set(fault);
}

pub(super) fn break_mail(mail: &FaultSwitch, fault: Mail) {
    mail.set(match fault {
        Mail::Busy => SERVER_BUSY,
        Mail::LosesTheReply => Fault::ApplyThenDropConnection,
    });
}
