//! A bus that does as it is told, one instruction a request; what gets through goes to a queue.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use bus::{Message, Queue, QueueOptions};
use serde_json::Value;
use stand_in::Clock;
use tokio::{net::TcpListener, time::Instant};

/// What to do with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Refuse it with this status.
    Answer(u16),
    /// 429 with this `Retry-After`.
    Throttle(&'static str),
    /// Accept it, and say that it failed: the answer is lost.
    AcceptAndFail,
    /// Never answer.
    Hang,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) properties: Value,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn message_id(&self) -> &str {
        self.properties["MessageId"].as_str().unwrap()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    pub(crate) queue: Queue,
    script: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Scripted {
    /// After its script it accepts everything.
    pub(crate) async fn open(script: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bus = Self {
            address: listener.local_addr().unwrap(),
            queue: Queue::new("order-items", QueueOptions::default(), Clock::new()),
            script: Arc::new(Mutex::new(script.iter().copied().collect())),
            seen: Arc::default(),
        };
        let router = Router::new()
            .route("/order-items/messages", post(take))
            .with_state(bus.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's server")]
        tokio::spawn(async { axum::serve(listener, router).await });
        bus
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn take(State(bus): State<Scripted>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let seen = Seen {
        at: Instant::now(),
        properties: serde_json::from_str(&text("brokerproperties")).unwrap(),
        authorization: text("authorization"),
        body: serde_json::from_slice(&body).unwrap(),
    };
    bus.seen.lock().unwrap().push(seen.clone());
    let act = bus.script.lock().unwrap().pop_front();
    let accept = || {
        let id = seen.message_id().to_owned();
        bus.queue
            .enqueue(Message::new(body.clone()).with_id(id))
            .unwrap();
    };
    match act {
        None => {
            accept();
            StatusCode::CREATED.into_response()
        }
        Some(Act::AcceptAndFail) => {
            accept();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Act::Answer(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Act::Throttle(wait)) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", wait)]).into_response()
        }
        Some(Act::Hang) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::CREATED.into_response()
        }
    }
}
