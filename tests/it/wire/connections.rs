//! One broken connection, or one bad front end behind it, must not take all four attempts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinSet};

use super::assert_answered;
use crate::support::{
    Handler, Message, Scripted,
    rig::{accepting, settings, storage_at},
};

/// A storage whose requests are known by the connection they came over.
#[derive(Clone, Default)]
struct FrontEnds(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    seen: Vec<SocketAddr>,
    broken: Vec<SocketAddr>,
}

impl FrontEnds {
    async fn answer(
        State(ends): State<Self>,
        ConnectInfo(peer): ConnectInfo<SocketAddr>,
        request: Request,
    ) -> Response {
        assert_eq!(request.method(), "PUT");
        let mut state = ends.0.lock().unwrap();
        state.seen.push(peer);
        match state.broken.contains(&peer) {
            true => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            false => (StatusCode::CREATED, [("etag", "\"1\"")]).into_response(),
        }
    }

    fn seen(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap().seen.clone()
    }

    /// Whoever came until now meets 503 from now on.
    fn break_those_seen(&self) {
        let mut state = self.0.lock().unwrap();
        state.broken = std::mem::take(&mut state.seen);
    }
}

#[tokio::test]
async fn a_retry_does_not_go_down_the_connection_that_failed() {
    let ends = FrontEnds::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .fallback(FrontEnds::answer)
        .with_state(ends.clone())
        .into_make_service_with_connect_info::<SocketAddr>();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    let fallback = Scripted::start([], accepting()).await;
    let handler = Handler::start(&settings(&storage_at(address), fallback.address)).await;

    for sequence in 1..=3 {
        let warm = Message::new("warm", sequence);
        assert_eq!(handler.deliver(&warm).await.status, 200);
    }
    let seen = ends.seen();
    assert!(seen.iter().all(|peer| *peer == seen[0]), "pooled: {seen:?}");
    ends.break_those_seen();

    let message = Message::new("cold", 4);
    let answer = handler.deliver(&message).await;
    let line = handler.line(&message).await;
    let ended = crate::support::Ended { answer, line };
    assert_answered(&ended, 200, "stored", 2);
    let seen = ends.seen();
    assert_ne!(seen[0], seen[1], "the retry has a connection of its own");
    assert!(fallback.seen().is_empty());
}
