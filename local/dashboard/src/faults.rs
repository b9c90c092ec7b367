//! `/api/faults`: what is wrong with the storage and with the Logic App.
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
use stand_in::{Fault, FaultDegree, FaultSwitch, LOGIC_APP_FAULTS, NamedFault, STORAGE_FAULTS};

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
}

/// What a request changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultsToSet {
    storage: Option<String>,
    logic_app: Option<String>,
}

impl DashboardState {
    pub(super) fn faults(&self) -> StandingFaults {
        let storage = self.blob.as_ref().map(|blob| blob.faults().named());
        let logic_app = self.logic_app.as_ref().map(|it| it.faults().named());
        StandingFaults {
            storage: storage.unwrap_or_default(),
            logic_app: match logic_app.unwrap_or_default() {
                // The same by the name that `LOGIC_APP_FAULTS` and the page have for it: a switch
                // that was turned without a name cannot know which of the two it is.
                NamedFault::Refuses => NamedFault::Down,
                other => other,
            },
        }
    }

    fn set_faults(&self, wanted: &FaultsToSet) -> Result<StandingFaults, Problem> {
        // Both are read before anything changes.
        let storage = named("storage", wanted.storage.as_deref(), &STORAGE_FAULTS)?;
        let logic_app = named("logicApp", wanted.logic_app.as_deref(), &LOGIC_APP_FAULTS)?;
        let storage_switch = self.blob.as_ref().map(BlobHandle::faults);
        let logic_app_switch = self.logic_app.as_ref().map(LogicAppHandle::faults);
        let storage = with_switch(storage, storage_switch, "storage")?;
        let logic_app = with_switch(logic_app, logic_app_switch, "Logic App")?;
        if let Some((fault, switch)) = storage {
            switch.turn(fault, &degree(&flaky_storage()));
        }
        if let Some((fault, switch)) = logic_app {
            switch.turn(fault, &degree(&flaky_logic_app()));
        }
        Ok(self.faults())
    }
}

fn named(
    part: &str,
    name: Option<&str>,
    allowed: &[NamedFault],
) -> Result<Option<NamedFault>, Problem> {
    let fault = name.map(|name| NamedFault::read(name, allowed)).transpose();
    fault.map_err(|unknown| problem(StatusCode::BAD_REQUEST, format!("{part}: {unknown}")))
}

fn with_switch<'a>(
    fault: Option<NamedFault>,
    switch: Option<&'a FaultSwitch>,
    part: &str,
) -> Result<Option<(NamedFault, &'a FaultSwitch)>, Problem> {
    match (fault, switch) {
        (None, _) => Ok(None),
        (Some(fault), Some(switch)) => Ok(Some((fault, switch))),
        (Some(_), None) => Err(problem(
            StatusCode::CONFLICT,
            format!("the {part} is not part of this stack: its setting leads elsewhere"),
        )),
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

fn flaky_logic_app() -> [Fault; 3] {
    let bad_gateway = NamedFault::BadGateway.fault(&degree(&[]));
    [Fault::None, bad_gateway, Fault::ApplyThenDropConnection]
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
