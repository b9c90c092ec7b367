//! Faults that the local stack and the tests switch on while a stand-in runs.

mod flaky;
mod named;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::server::{HangUp, ServerHandle};
pub use flaky::Flaky;
pub use named::{
    FaultDegree, LOGIC_APP_FAULTS, MAIL_FAULTS, NamedFault, STORAGE_FAULTS, UnknownFault,
};

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

/// Breaks a running stand-in, and mends it: one standing fault, and faults for the next requests
/// that go before it.
#[derive(Debug, Default)]
pub struct FaultSwitch {
    server: ServerHandle,
    standing: watch::Sender<Fault>,
    plan: Mutex<Plan>,
}

/// What goes before the standing fault, and what the whole is called.
#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Fault>,
    flaky: Option<Flaky>,
    named: NamedFault,
}

impl FaultSwitch {
    /// From now on every request meets `fault`, and connections are taken. Faults that still wait
    /// for a request are gone.
    pub fn set(&self, fault: Fault) {
        self.replace(NamedFault::that_is(fault), fault, None, false);
    }

    /// The same, and `flaky` chooses for every request.
    pub fn set_flaky(&self, flaky: Flaky) {
        self.replace(NamedFault::Flaky, Fault::None, Some(flaky), false);
    }

    /// Resets every connection, until a fault is set.
    pub fn refuse_connections(&self) {
        self.replace(NamedFault::Refuses, Fault::None, None, true);
    }

    /// From now on the stand-in does what the name says.
    pub fn turn(&self, named: NamedFault, degree: &FaultDegree<'_>) {
        let flaky = || Flaky::new(degree.seed, degree.flaky.to_vec());
        match named {
            NamedFault::Refuses | NamedFault::Down => {
                self.replace(named, Fault::None, None, true);
            }
            NamedFault::Flaky => self.replace(named, Fault::None, Some(flaky()), false),
            _ => self.replace(named, named.fault(degree), None, false),
        }
    }

    /// What stands, whoever has set it and however.
    pub fn named(&self) -> NamedFault {
        self.plan().named
    }

    /// Connections that were reset.
    pub fn connections_refused(&self) -> u64 {
        self.server.connections_refused()
    }

    /// Each of the next requests meets one of `faults`; afterwards the standing fault counts again.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.plan().next.extend(faults);
    }

    /// The server that refuses connections.
    pub fn server(&self) -> &ServerHandle {
        &self.server
    }

    fn replace(&self, named: NamedFault, fault: Fault, flaky: Option<Flaky>, refusing: bool) {
        // Held to the end: of two who set something at once, one has the name and the effect.
        let mut plan = self.plan();
        *plan = Plan {
            next: VecDeque::new(),
            flaky,
            named,
        };
        self.standing.send_replace(fault);
        self.server.refuse(refusing);
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self, standing: Fault) -> Fault {
        let mut plan = self.plan();
        let expected = plan.next.pop_front();
        let chosen = expected.or_else(|| plan.flaky.as_mut().map(Flaky::choose));
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
