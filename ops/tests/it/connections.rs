//! A fail-over of the storage account leaves connections in the pool that lead nowhere.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::task::JoinSet;

use crate::stage::{Stage, cart, ended, listener};

/// Requests that a connection serves before it breaks.
const SERVED: usize = 2;

/// How many requests came over each connection, by the peer's address.
type Connections = Arc<Mutex<HashMap<SocketAddr, usize>>>;

/// A storage whose every connection takes [`SERVED`] orders, and answers 503 from then on.
async fn put(
    State(connections): State<Connections>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
) -> Response {
    assert_eq!(method, Method::PUT);
    let mut connections = connections.lock().unwrap();
    let requests = connections.entry(peer).or_default();
    *requests += 1;
    if *requests > SERVED {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    (StatusCode::CREATED, [("etag", "\"1\"")]).into_response()
}

#[tokio::test]
async fn a_redrives_retry_does_not_go_down_the_connection_that_failed() {
    let stage = Stage::new().await;
    for number in 1..=4 {
        let session = format!("s{number}");
        stage.bury(number, &session, cart(&session, number));
    }
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let connections = Connections::default();
    let app = Router::new()
        .fallback(put)
        .with_state(Arc::clone(&connections))
        .into_make_service_with_connect_info::<SocketAddr>();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    stage.set(
        "OrdersStorage",
        &format!("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://{address}"),
    );

    let ran = ended(stage.start("dead-letters redrive --yes --wait 0")).await;

    assert_eq!((ran.code, stage.left()), (Some(0), vec![]), "{}", ran.err);
    assert_eq!(stage.mailed(), [0_u64; 0]);
    let mut requests: Vec<usize> = connections.lock().unwrap().values().copied().collect();
    requests.sort_unstable();
    // The pooled one took two orders and refused two; each of these was stored at the second
    // attempt, over a connection of its own.
    assert_eq!(requests, [1, 1, 4]);
}
