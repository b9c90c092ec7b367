//! Faults that the local stack and the tests switch on while an endpoint runs.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::{Flaky, HangUp};

/// What goes wrong with a request. A refused connection is no fault of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request is refused and changes nothing.
    Status {
        /// The status of the answer.
        status: StatusCode,
        /// The error code in the answer, as the service spells it (`ServerBusy`).
        error_code: &'static str,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
    },
    /// The request takes effect and is answered this much later, even if its client has left.
    Delay(Duration),
    /// The request takes no effect and gets no answer. Its connection is closed at the next
    /// change of the endpoint's standing fault.
    Hang,
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

/// The switch: one standing fault, and faults for the next requests that go before it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    standing: watch::Sender<Fault>,
    next: Mutex<VecDeque<Fault>>,
    flaky: Mutex<Option<Flaky>>,
}

impl Faults {
    /// From now on every request fails like this; faults that still wait for a request are gone.
    pub(crate) fn set(&self, fault: Fault) {
        self.replace(fault, None);
    }

    /// From now on `flaky` chooses for every request.
    pub(crate) fn set_flaky(&self, flaky: Flaky) {
        self.replace(Fault::None, Some(flaky));
    }

    fn replace(&self, fault: Fault, flaky: Option<Flaky>) {
        self.next().clear();
        *self.flaky() = flaky;
        self.standing.send_replace(fault);
    }

    /// Each of the next requests takes one of `faults`.
    pub(crate) fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.next().extend(faults);
    }

    fn next(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flaky(&self) -> MutexGuard<'_, Option<Flaky>> {
        self.flaky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self, standing: Fault) -> Fault {
        let expected = self.next().pop_front();
        let chosen = expected.or_else(|| self.flaky().as_mut().map(Flaky::choose));
        chosen.unwrap_or(standing)
    }

    /// Answers one request: `apply` does what was asked, `refuse` words an error.
    pub(crate) async fn around(
        &self,
        apply: impl FnOnce() -> Response,
        refuse: impl FnOnce(StatusCode, &'static str) -> Response,
    ) -> Response {
        self.around_future(async { apply() }, refuse).await
    }

    /// The same for what takes a while.
    pub(crate) async fn around_future(
        &self,
        apply: impl Future<Output = Response>,
        refuse: impl FnOnce(StatusCode, &'static str) -> Response,
    ) -> Response {
        // Subscribed before the fault is read: no change in between can be missed by `Hang`.
        let mut changes = self.standing.subscribe();
        let standing = *changes.borrow_and_update();
        match self.choose(standing) {
            Fault::None => apply.await,
            Fault::Status {
                status,
                error_code,
                retry_after,
            } => {
                let mut response = refuse(status, error_code);
                if let Some(seconds) = retry_after {
                    let seconds = HeaderValue::from(seconds);
                    response.headers_mut().insert(RETRY_AFTER, seconds);
                }
                response
            }
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                apply.await
            }
            Fault::Hang => {
                // An error means that the endpoint itself is gone: hang up just the same.
                changes.changed().await.ok();
                HangUp.into_response()
            }
            Fault::ApplyThenDropConnection => {
                drop(apply.await);
                HangUp.into_response()
            }
            Fault::ApplyThenStatus(status) => {
                drop(apply.await);
                refuse(status, "InternalError")
            }
        }
    }
}
