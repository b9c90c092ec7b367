//! The fault switches, as people and programs set them.

mod kinds;

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shared;
use super::api::{Problem, problem};
use blob::BlobHandle;
use kinds::{LogicAppFault, StorageFault};
use logic_app::LogicAppHandle;

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
        let storage = match (&self.blob, wish.storage) {
            (None, Some(_)) => return Err(missing("storage")),
            (blob, _) => blob.as_ref().map(BlobHandle::faults),
        };
        let logic_app = match (&self.logic_app, wish.logic_app) {
            (None, Some(_)) => return Err(missing("Logic App")),
            (logic_app, _) => logic_app.as_ref().map(LogicAppHandle::faults),
        };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(fault), Some(switch)) = (wish.storage, storage) {
            faults.storage = fault;
            fault.turn(switch);
        }
        if let (Some(fault), Some(switch)) = (wish.logic_app, logic_app) {
            faults.logic_app = fault;
            fault.turn(switch);
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
