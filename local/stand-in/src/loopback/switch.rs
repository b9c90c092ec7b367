//! The fault switch of a running stand-in: what its requests meet, and whether it takes connections at all.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::{Fault, Flaky, Handle, HangUp};

/// Breaks a running stand-in, and mends it: one standing fault, and faults for the next requests that go before it.
#[derive(Debug, Default)]
pub struct FaultSwitch {
    server: Handle,
    standing: watch::Sender<Fault>,
    next: Mutex<VecDeque<Fault>>,
    flaky: Mutex<Option<Flaky>>,
}

impl FaultSwitch {
    /// From now on every request meets `fault`, and connections are taken. Faults that still wait for a request are
    /// gone.
    pub fn set(&self, fault: Fault) {
        self.server.refuse(false);
        self.replace(fault, None);
    }

    /// The same, and `flaky` chooses for every request.
    pub fn set_flaky(&self, flaky: Flaky) {
        self.server.refuse(false);
        self.replace(Fault::None, Some(flaky));
    }

    /// Resets every connection, until a fault is set.
    pub fn refuse_connections(&self) {
        self.replace(Fault::None, None);
        self.server.refuse(true);
    }

    /// Connections that were reset.
    pub fn connections_refused(&self) -> u64 {
        self.server.connections_refused()
    }

    /// Each of the next requests meets one of `faults`; afterwards the standing fault counts again.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.next().extend(faults);
    }

    /// The server that refuses connections.
    pub fn server(&self) -> &Handle {
        &self.server
    }

    fn replace(&self, fault: Fault, flaky: Option<Flaky>) {
        self.next().clear();
        *self.flaky() = flaky;
        self.standing.send_replace(fault);
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
    pub async fn around(
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
