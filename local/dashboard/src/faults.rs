//! `/api/faults`: what is wrong with each part.
//!
//! The switches are asked each time: a chaos run and tests turn them too.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use blob::BlobHandle;
use logic_app::LogicAppHandle;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stand_in::{
    BUS_FAULTS, Fault, FaultDegree, FaultSwitch, LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS,
};

use super::request::{Problem, problem, read};
use super::state::DashboardState;

const RETRY_AFTER_SECONDS: u32 = 2;
const SLOW: Duration = Duration::from_secs(3);
/// A flaky service is slow for less: it is meant to be met by many requests.
const A_LITTLE_SLOW: Duration = Duration::from_millis(300);

/// The same faults in every run.
const SEED: u64 = 20_260_504;

/// What stands; `none` for a part that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingFaults {
    storage: NamedFault,
    logic_app: NamedFault,
    shop_storage: NamedFault,
    bus: NamedFault,
}

/// What a request changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultsToSet {
    storage: Option<String>,
    logic_app: Option<String>,
    shop_storage: Option<String>,
    bus: Option<String>,
}

impl DashboardState {
    pub(super) fn faults(&self) -> StandingFaults {
        let storage = self.blob.as_ref().map(|blob| blob.faults().named());
        let shop_storage = self.shop_storage.as_ref().map(|blob| blob.faults().named());
        let logic_app = self.logic_app.as_ref().map(|it| it.faults().named());
        StandingFaults {
            storage: storage.unwrap_or_default(),
            shop_storage: shop_storage.unwrap_or_default(),
            bus: self.bus.switch().named(),
            logic_app: match logic_app.unwrap_or_default() {
                // The same by the name that `LOGIC_APP_FAULTS` and the page have for it: a switch
                // that was turned without a name cannot know which of the two it is.
                NamedFault::Refuses => NamedFault::Down,
                other => other,
            },
        }
    }

    fn set_faults(&self, wanted: &FaultsToSet) -> Result<StandingFaults, Problem> {
        let parts = [
            Part {
                key: "storage",
                called: "storage",
                wanted: wanted.storage.as_deref(),
                allowed: &STORAGE_FAULTS,
                switch: self.blob.as_ref().map(BlobHandle::faults),
                flaky: flaky_storage(),
            },
            Part {
                key: "shopStorage",
                called: "storefront's storage",
                wanted: wanted.shop_storage.as_deref(),
                allowed: &STORAGE_FAULTS,
                switch: self.shop_storage.as_ref().map(BlobHandle::faults),
                flaky: flaky_storage(),
            },
            Part {
                key: "bus",
                called: "bus",
                wanted: wanted.bus.as_deref(),
                allowed: &BUS_FAULTS,
                switch: Some(self.bus.switch()),
                flaky: flaky_bus(),
            },
            Part {
                key: "logicApp",
                called: "Logic App",
                wanted: wanted.logic_app.as_deref(),
                allowed: &LOGIC_APP_FAULTS,
                switch: self.logic_app.as_ref().map(LogicAppHandle::faults),
                flaky: flaky_logic_app(),
            },
        ];
        // All are read before anything changes.
        let turns: Vec<_> = parts.iter().map(Part::turn).collect::<Result<_, _>>()?;
        for (switch, fault, flaky) in turns.into_iter().flatten() {
            switch.turn(fault, &degree(flaky));
        }
        Ok(self.faults())
    }
}

/// A part that a request may break.
struct Part<'a> {
    key: &'static str,
    called: &'static str,
    wanted: Option<&'a str>,
    allowed: &'static [NamedFault],
    switch: Option<&'a FaultSwitch>,
    flaky: Vec<Fault>,
}

/// Which switch is turned to what, and what its flaky service chooses from.
type Turn<'a> = (&'a FaultSwitch, NamedFault, &'a [Fault]);

impl Part<'_> {
    /// Nothing when the request does not speak of this part.
    fn turn(&self) -> Result<Option<Turn<'_>>, Problem> {
        let Some(name) = self.wanted else {
            return Ok(None);
        };
        let fault = NamedFault::read(name, self.allowed).map_err(|unknown| {
            problem(StatusCode::BAD_REQUEST, format!("{}: {unknown}", self.key))
        })?;
        let Some(switch) = self.switch else {
            let called = self.called;
            return Err(problem(
                StatusCode::CONFLICT,
                format!("the {called} is not part of this stack: its setting leads elsewhere"),
            ));
        };
        Ok(Some((switch, fault, &self.flaky)))
    }
}

fn degree(flaky: &[Fault]) -> FaultDegree<'_> {
    FaultDegree {
        slow: SLOW,
        retry_after: RETRY_AFTER_SECONDS,
        flaky,
        seed: SEED,
    }
}

/// Half of the requests meet none. One that hangs costs its client the whole time limit, so it is
/// rare.
fn flaky_storage() -> Vec<Fault> {
    let faults = [
        NamedFault::ServerBusy.fault(&degree(&[])),
        NamedFault::TooManyRequests.fault(&degree(&[])),
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

/// Two of three requests meet none.
fn flaky_bus() -> Vec<Fault> {
    let faults = [
        NamedFault::ServerBusy.fault(&degree(&[])),
        NamedFault::TooManyRequests.fault(&degree(&[])),
        Fault::Delay(A_LITTLE_SLOW),
        Fault::DropConnection,
        Fault::ApplyThenDropConnection,
        Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR),
    ];
    let healthy = [Fault::None; 12];
    [&faults[..], &healthy].concat()
}

fn flaky_logic_app() -> Vec<Fault> {
    let bad_gateway = NamedFault::BadGateway.fault(&degree(&[]));
    vec![Fault::None, bad_gateway, Fault::ApplyThenDropConnection]
}

/// `GET /api/faults`.
pub(super) async fn get(State(state): State<Arc<DashboardState>>) -> Json<StandingFaults> {
    Json(state.faults())
}

/// `PUT /api/faults`.
pub(super) async fn put(
    State(state): State<Arc<DashboardState>>,
    Json(wanted): Json<Value>,
) -> Result<Json<StandingFaults>, Problem> {
    let wanted: FaultsToSet = read(wanted)?;
    Ok(Json(state.set_faults(&wanted)?))
}
