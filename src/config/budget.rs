//! The time budget of one invocation: it must answer before the host kills the process.

use std::time::Duration;

use azure_app::settings::Reader;

use super::FALLBACK_TIMEOUT;
use crate::{reserve::REDELIVERY_WAIT_MAX_SECS, retry::Retry};

/// `functionTimeout` of `host.json`.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// `maxAutoLockRenewalDuration` of `host.json`: how long the host keeps a message to itself.
pub const LOCK_RENEWAL_MAX: Duration = Duration::from_secs(10 * 60);

const _: () = assert!(
    FUNCTION_TIMEOUT.as_secs() <= LOCK_RENEWAL_MAX.as_secs(),
    "a message must not be delivered again while its invocation still runs"
);

/// How long a request may take to arrive: over loopback, and at most a few MB.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The way there and back: the host counts from before it sends, and one invocation that is late
/// costs all that are under way.
pub const MARGIN: Duration = READ_TIMEOUT.saturating_add(Duration::from_secs(5));

/// All uploads, the fallback and the wait before the answer must fit.
pub(super) fn check(retry: &Retry, fallback_timeout: Duration, reader: &mut Reader<'_>) {
    let wait = Duration::from_secs(REDELIVERY_WAIT_MAX_SECS);
    let longest = retry.budget() + fallback_timeout + wait;
    let limit = FUNCTION_TIMEOUT.saturating_sub(MARGIN);
    if longest > limit {
        let problem = format!(
            "the uploads ({:?}), the fallback ({fallback_timeout:?}) and the wait before a redelivery \
             ({wait:?}) may take {longest:?} together; expected at most {limit:?}: functionTimeout ({FUNCTION_TIMEOUT:?}) less {MARGIN:?} of margin",
            retry.budget(),
        );
        reader.wrong::<()>(FALLBACK_TIMEOUT, problem);
    }
}
