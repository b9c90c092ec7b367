//! The fault switches: names for people and programs, and what each does to its part.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shared;
use super::api::{Problem, problem};
use crate::blob::BlobHandle;
use crate::logic_app::LogicAppHandle;
use crate::loopback::{Fault, Flaky};

const RETRY_AFTER_SECONDS: u32 = 2;
const SLOW: Duration = Duration::from_secs(3);
/// A flaky service is slow for less: it is meant to be met by many requests.
const A_LITTLE_SLOW: Duration = Duration::from_millis(300);

/// The same faults in every run.
const SEED: u64 = 20_260_504;

/// Which switches are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Faults {
    storage: StorageFault,
    logic_app: LogicAppFault,
}

/// What a request changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wish {
    storage: Option<StorageFault>,
    logic_app: Option<LogicAppFault>,
}

/// What is wrong with the storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StorageFault {
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
enum LogicAppFault {
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
    fn break_(self, blob: &BlobHandle) {
        let fault = match self {
            Self::None => Fault::None,
            Self::Refuses => return blob.refuse_connections(),
            Self::ServerBusy => SERVER_BUSY,
            Self::TooManyRequests => TOO_MANY,
            Self::Slow => Fault::Delay(SLOW),
            Self::Hangs => Fault::Hang,
            Self::AppliesButLosesTheReply => Fault::ApplyThenDropConnection,
            Self::Forbids => Fault::FORBID_ALL,
            Self::Flaky => return blob.set_flaky(Flaky::new(SEED, flaky_storage())),
        };
        blob.set_fault(fault);
    }
}

impl LogicAppFault {
    fn break_(self, logic_app: &LogicAppHandle) {
        let fault = match self {
            Self::None => Fault::None,
            Self::Down => return logic_app.refuse_connections(),
            Self::BadGateway => BAD_GATEWAY,
            Self::Hangs => Fault::Hang,
            Self::Flaky => {
                let choices = vec![Fault::None, BAD_GATEWAY, Fault::ApplyThenDropConnection];
                return logic_app.set_flaky(Flaky::new(SEED, choices));
            }
        };
        logic_app.set_fault(fault);
    }
}

/// Half of the requests meet none. One that hangs costs its client the whole time limit, so it is rare.
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

impl Shared {
    /// Which switches are set.
    pub(super) fn faults(&self) -> Faults {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_faults(&self, wish: &Wish) -> Result<Faults, Problem> {
        let missing = |part: &str| {
            problem(
                StatusCode::CONFLICT,
                format!("the {part} is not part of this stack: its setting leads elsewhere"),
            )
        };
        let blob = match (&self.blob, wish.storage) {
            (None, Some(_)) => return Err(missing("storage")),
            (blob, _) => blob.as_ref(),
        };
        let logic_app = match (&self.logic_app, wish.logic_app) {
            (None, Some(_)) => return Err(missing("Logic App")),
            (logic_app, _) => logic_app.as_ref(),
        };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(fault), Some(blob)) = (wish.storage, blob) {
            faults.storage = fault;
            fault.break_(blob);
        }
        if let (Some(fault), Some(logic_app)) = (wish.logic_app, logic_app) {
            faults.logic_app = fault;
            fault.break_(logic_app);
        }
        Ok(*faults)
    }
}

/// `GET /api/faults`.
pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Json<Faults> {
    Json(shared.faults())
}

/// `PUT /api/faults`.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Json(wish): Json<Value>,
) -> Result<Json<Faults>, Problem> {
    // serde names the unknown and lists what it knows.
    let wish: Wish = serde_path_to_error::deserialize(wish).map_err(|error| {
        let text = format!("{}: {}", error.path(), error.inner());
        problem(StatusCode::BAD_REQUEST, text)
    })?;
    let faults = shared.set_faults(&wish)?;
    shared.model().touch();
    Ok(Json(faults))
}
