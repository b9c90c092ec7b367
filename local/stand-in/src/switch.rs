//! The fault switch of a running stand-in: what its requests meet, and whether it takes connections
//! at all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::fault::{Fault, FaultDegree, NamedFault};
use crate::server::{HangUp, ServerHandle};

/// Breaks a running stand-in, and mends it: one standing fault, and faults for the next requests
/// that go before it.
#[derive(Debug, Default)]
pub struct FaultSwitch {
    server: ServerHandle,
    /// Others are served behind the same port, so connections are taken at all times.
    shares_server: bool,
    /// Requests that were hung up on instead.
    hung_up: AtomicU64,
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
    /// For the only part behind a port.
    #[must_use]
    pub fn alone(server: ServerHandle) -> Self {
        Self {
            server,
            ..Self::default()
        }
    }

    /// For one of several parts behind the same port: what refuses connections elsewhere hangs up
    /// on each request of this part.
    #[must_use]
    pub fn sharing(server: ServerHandle) -> Self {
        Self {
            shares_server: true,
            ..Self::alone(server)
        }
    }

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
        self.refuse(NamedFault::Refuses);
    }

    fn refuse(&self, named: NamedFault) {
        match self.shares_server {
            true => self.replace(named, Fault::DropConnection, None, false),
            false => self.replace(named, Fault::None, None, true),
        }
    }

    /// From now on the stand-in does what the name says.
    pub fn turn(&self, named: NamedFault, degree: &FaultDegree<'_>) {
        let flaky = || Flaky::new(degree.seed, degree.flaky.to_vec());
        match named {
            NamedFault::Refuses | NamedFault::Down => self.refuse(named),
            NamedFault::Flaky => self.replace(named, Fault::None, Some(flaky()), false),
            _ => self.replace(named, named.fault(degree), None, false),
        }
    }

    /// What stands, whoever has set it and however.
    pub fn named(&self) -> NamedFault {
        self.plan().named
    }

    /// Connections that were reset, or closed without an answer where others share the port.
    pub fn connections_refused(&self) -> u64 {
        match self.shares_server {
            true => self.hung_up.load(Ordering::Relaxed),
            false => self.server.connections_refused(),
        }
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
        if !self.shares_server {
            self.server.refuse(refusing);
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next request meets, for a door that is no HTTP server and acts on it by itself.
    pub fn meet(&self) -> Fault {
        let standing = *self.standing.borrow();
        self.choose(standing)
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
            Fault::DropConnection => {
                self.hung_up.fetch_add(1, Ordering::Relaxed);
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

/// Faults in a row that a flaky service meets requests with, at the most.
const IN_A_ROW_MAX: u32 = 2;

/// Chooses a fault for each request at random. After two faults in a row comes a request that
/// meets none, so that things still get through.
#[derive(Debug)]
pub struct Flaky {
    random: fastrand::Rng,
    choices: Vec<Fault>,
    in_a_row: u32,
}

impl Flaky {
    /// Chooses among `choices`; the same seed gives the same faults.
    #[must_use]
    pub fn new(seed: u64, choices: Vec<Fault>) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            choices,
            in_a_row: 0,
        }
    }

    fn choose(&mut self) -> Fault {
        let fault = match self.in_a_row {
            IN_A_ROW_MAX.. => Fault::None,
            _ => self
                .random
                .choice(&self.choices)
                .copied()
                .unwrap_or_default(),
        };
        self.in_a_row = match fault {
            Fault::None => 0,
            _ => self.in_a_row + 1,
        };
        fault
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{BUS_FAULTS, LOGIC_APP_FAULTS, MAIL_FAULTS, STORAGE_FAULTS};

    const DEGREE: FaultDegree<'static> = FaultDegree {
        slow: Duration::from_secs(3),
        retry_after: 2,
        flaky: &[Fault::Hang],
        seed: 1,
    };

    #[test]
    fn a_name_is_read_back_and_told_by_the_switch() {
        let all = [
            &STORAGE_FAULTS[..],
            &BUS_FAULTS,
            &LOGIC_APP_FAULTS,
            &MAIL_FAULTS,
        ];
        for allowed in all {
            for fault in [NamedFault::None].iter().chain(allowed) {
                assert_eq!(NamedFault::read(fault.name(), allowed), Ok(*fault));
                let alone = FaultSwitch::default();
                let one_of_several = FaultSwitch::sharing(ServerHandle::default());
                for switch in [alone, one_of_several] {
                    switch.turn(*fault, &DEGREE);
                    assert_eq!(switch.named(), *fault);
                    switch.set(Fault::None);
                    assert_eq!(switch.named(), NamedFault::None);
                }
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
        switch.set(Fault::DropConnection);
        assert_eq!(switch.named(), NamedFault::Refuses);
        switch.set_flaky(Flaky::new(1, vec![Fault::Hang]));
        assert_eq!(switch.named(), NamedFault::Flaky);
    }

    /// Two parts behind one port: who breaks one does not close the other.
    #[tokio::test]
    async fn one_of_several_parts_refuses_its_own_requests_and_no_connection() {
        let server = ServerHandle::default();
        let broken = FaultSwitch::sharing(server.clone());
        let whole = FaultSwitch::sharing(server);
        broken.refuse_connections();
        let answer = async |switch: &FaultSwitch| {
            let apply = async { StatusCode::CREATED.into_response() };
            switch.around(apply, |_, _| Response::default()).await
        };
        let refused = answer(&broken).await;
        assert!(refused.extensions().get::<HangUp>().is_some());
        assert_eq!(answer(&whole).await.status(), StatusCode::CREATED);
        let counts = [&broken, &whole].map(FaultSwitch::connections_refused);
        assert_eq!(counts, [1, 0]);
        broken.set(Fault::None);
        assert_eq!(answer(&broken).await.status(), StatusCode::CREATED);
    }

    #[test]
    fn every_third_request_at_least_gets_through_and_a_seed_repeats_itself() {
        let choices = vec![Fault::Hang, Fault::FORBID_ALL, Fault::None];
        let faults = |seed| {
            let mut flaky = Flaky::new(seed, choices.clone());
            (0..1_000).map(|_| flaky.choose()).collect::<Vec<_>>()
        };
        let seen = faults(7);
        for three in seen.windows(3) {
            assert!(three.contains(&Fault::None), "{three:?}");
        }
        for choice in &choices {
            assert!(seen.contains(choice), "{choice:?}");
        }
        assert_eq!(seen, faults(7));
        assert_ne!(seen, faults(8));
    }
}
