//! A broker that takes its time, with a door for each instance, so that each can be cut off alone.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use petstore::session::SessionId;
use serde_json::Value;
use testkit::net::listener;
use tokio::runtime::Runtime;

use super::bus::connection_string;

/// What happens at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Open,
    /// 503.
    Shut,
    /// 403.
    Refuses,
    /// Accepts, and says that it failed.
    Lossy,
}

#[derive(Debug, Default)]
struct Inner {
    doors: HashMap<String, Opening>,
    requests: usize,
    /// Message ids: a queue drops what it has already.
    known: HashSet<String>,
    /// Session and revision.
    accepted: Vec<(String, u64)>,
}

/// A queue in which messages stay, in the order of their numbers.
#[derive(Debug)]
pub(crate) struct Broker {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
    _runtime: Runtime,
}

/// One instance's way in.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) name: String,
    inner: Arc<Mutex<Inner>>,
}

impl Broker {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(listener());
        let address = listener.local_addr().unwrap();
        let inner = Arc::<Mutex<Inner>>::default();
        let router = Router::new()
            .route("/{door}/messages", post(take))
            .with_state(Arc::clone(&inner));
        runtime.spawn(async { axum::serve(listener, router).await });
        Self {
            inner,
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn connection_string(&self) -> String {
        connection_string(self.address)
    }

    /// A new one, open.
    pub(crate) fn door(&self) -> Door {
        let mut inner = self.inner.lock().unwrap();
        let name = format!("door-{}", inner.doors.len());
        inner.doors.insert(name.clone(), Opening::Open);
        Door {
            name,
            inner: Arc::clone(&self.inner),
        }
    }

    /// Session and revision of each message.
    pub(crate) fn accepted(&self) -> Vec<(String, u64)> {
        self.inner.lock().unwrap().accepted.clone()
    }

    /// With those it refused or had already.
    pub(crate) fn requests(&self) -> usize {
        self.inner.lock().unwrap().requests
    }
}

impl Door {
    pub(crate) fn set(&self, opening: Opening) {
        let mut inner = self.inner.lock().unwrap();
        inner.doors.insert(self.name.clone(), opening);
    }
}

/// Of one session, as they were accepted.
pub(crate) fn revisions(broker: &Broker, session: &SessionId) -> Vec<u64> {
    let accepted = broker.accepted().into_iter();
    accepted
        .filter(|(of, _)| of == session.as_str())
        .map(|(_, revision)| revision)
        .collect()
}

async fn take(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(door): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..4))).await;
    let properties = headers["brokerproperties"].to_str().unwrap();
    let properties: Value = serde_json::from_str(properties).unwrap();
    let order: Value = serde_json::from_slice(&body).unwrap();
    let text = |name: &str| properties[name].as_str().unwrap().to_owned();
    let mut inner = inner.lock().unwrap();
    inner.requests += 1;
    let opening = inner.doors[&door];
    match opening {
        Opening::Shut => return StatusCode::SERVICE_UNAVAILABLE,
        Opening::Refuses => return StatusCode::FORBIDDEN,
        Opening::Open | Opening::Lossy => {}
    }
    if inner.known.insert(text("MessageId")) {
        let revision = order["revision"].as_u64().unwrap();
        inner.accepted.push((text("SessionId"), revision));
    }
    match opening {
        Opening::Lossy => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CREATED,
    }
}
