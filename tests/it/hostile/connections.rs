//! Peers that stall, vanish or come in crowds, and a store that panics.

use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::Request;
use order_items_reserver::http;
use order_items_reserver::store::Put;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use super::stage::{Answer, SAFETY_NET, Shelf, Stage, chunked, invocation, with_length};
use crate::invocation::doubles::{ScriptedFallback, ScriptedStore, reserver};

/// 500, or what leaves half of the process's file descriptors to the other tests.
fn crowd_size() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = open_files.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.map_or(60, |soft: usize| (soft / 4).min(500))
}

#[tokio::test]
async fn stalled_and_idle_connections_do_not_hold_up_an_invocation() {
    let stage = Stage::set().await;
    let mut crowd = Vec::new();
    for index in 0..crowd_size() {
        let mut connection = stage.connect().await;
        let request = with_length(&invocation("never", b"{}"));
        let sent = match index % 4 {
            0 => 0,
            1 => 1,
            2 => request.len() / 2,
            _ => request.len() - 1,
        };
        connection.write_all(&request[..sent]).await.unwrap();
        crowd.push(connection);
    }
    for _ in 0..20 {
        stage.assert_serves().await;
    }
    assert!(
        stage.shelf.blob("never.json").is_none(),
        "half a request is no order"
    );
    drop(crowd);
    stage.assert_serves().await;
}

/// The paused clock runs ahead only when nothing else can happen: the request will not arrive.
#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = ScriptedStore::answering(Ok(Put::Stored));
    let reserver = reserver(store.clone(), ScriptedFallback::answering(Ok(())));
    let mut server = JoinSet::new();
    server.spawn(async move { http::serve(listener, reserver).await.unwrap() });
    let request = invocation("S", b"{}");
    for mut framed in [with_length(&request), chunked(&request)] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        framed.truncate(framed.len() - 10);
        connection.write_all(&framed).await.unwrap();
        let answer = Answer::read(&mut connection).await;
        assert_eq!(answer.status, 408);
        assert!(answer.error().contains("did not arrive within 10 s"));
    }
    assert!(store.puts().is_empty());
}

#[tokio::test]
async fn a_request_that_breaks_off_is_no_order() {
    let stage = Stage::set().await;
    let request = invocation("broken", b"{}");
    for framed in [with_length(&request), chunked(&request)] {
        for cut in [framed.len() - 1, framed.len() - 10, 100] {
            let mut connection = stage.connect().await;
            connection.write_all(&framed[..cut]).await.unwrap();
            connection.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let end = connection.read_to_end(&mut answer);
            drop(timeout(SAFETY_NET, end).await.expect("an end"));
            assert!(
                !answer.starts_with(b"HTTP/1.1 2"),
                "{}",
                String::from_utf8_lossy(&answer)
            );
        }
    }
    assert!(stage.shelf.blob("broken.json").is_none());
    stage.assert_serves().await;
}

/// The server closes the connection when it notices; only then is the store let go on.
#[tokio::test]
async fn a_host_that_hangs_up_does_not_stop_the_reservation() {
    let stage = Stage::set().await;
    let mut connection = stage.connect().await;
    connection
        .write_all(&with_length(&invocation(Shelf::GATE, b"{}")))
        .await
        .unwrap();
    stage.shelf.entered().await;
    connection.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let end = connection.read_to_end(&mut answer);
    timeout(SAFETY_NET, end)
        .await
        .expect("closed by the server")
        .unwrap();
    assert!(answer.is_empty(), "nothing is answered yet");
    drop(connection);
    assert!(stage.shelf.blob("gate.json").is_none());
    stage.shelf.open();
    stage.shelf.stored().await;
    assert_eq!(stage.shelf.blob("gate.json").unwrap(), "{}");
}

#[tokio::test]
async fn a_slow_or_failing_session_does_not_hold_up_another() {
    let mut stage = Stage::set().await;
    let mut slow = stage.connect().await;
    slow.write_all(&with_length(&invocation(Shelf::GATE, b"{}")))
        .await
        .unwrap();
    stage.shelf.entered().await;
    for _ in 0..10 {
        let failing = stage.invoke(&invocation(Shelf::BUSY, b"{}")).await;
        assert_eq!(failing.status, 200, "{}", failing.text);
        let failure = &stage.notice().await["failure"];
        assert_eq!(
            (&failure["attempts"], &failure["kind"]),
            (&4.into(), &"notConfirmed".into())
        );
        stage.assert_serves().await;
    }
    assert!(stage.shelf.blob("gate.json").is_none(), "it still waits");
    stage.shelf.open();
    assert_eq!(Answer::read(&mut slow).await.status, 200);
}

/// The clock is paused: it shows what was waited for. Ten deliveries without a wait take no time.
#[tokio::test(start_paused = true)]
async fn a_panic_gives_the_message_back_after_the_wait_of_any_other() {
    let reserver = reserver(Shelf::default(), ScriptedFallback::answering(Ok(())));
    let request = Request::post(http::ROUTE)
        .body(Body::from(invocation(Shelf::PANIC, b"{}")))
        .unwrap();
    let began = Instant::now();
    let answer = http::router(reserver).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(began.elapsed().as_secs(), 1, "the first delivery's wait");
}

#[tokio::test]
async fn a_panic_fails_its_own_invocation_only() {
    let stage = Stage::set().await;
    let mut waiting = stage.connect().await;
    waiting
        .write_all(&with_length(&invocation(Shelf::GATE, b"{}")))
        .await
        .unwrap();
    stage.shelf.entered().await;
    let mut connection = stage.connect().await;
    for _ in 0..2 {
        connection
            .write_all(&with_length(&invocation(Shelf::PANIC, b"{}")))
            .await
            .unwrap();
        let answer = Answer::read(&mut connection).await;
        assert_eq!(answer.status, 500, "not acknowledged");
        assert_eq!(answer.error(), "the invocation panicked; see the log");
        stage.assert_serves().await;
    }
    connection
        .write_all(&with_length(&invocation("same", b"{}")))
        .await
        .unwrap();
    assert_eq!(
        Answer::read(&mut connection).await.status,
        200,
        "on the same connection too"
    );
    stage.shelf.open();
    assert_eq!(
        Answer::read(&mut waiting).await.status,
        200,
        "and the one beside it"
    );
}
