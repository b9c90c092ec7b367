//! The faults, and what the log and the history then say.

use std::time::Duration;

use reqwest::Method;
use stand_in::{Fault, StatusCode};

use super::orders;

const BUSY: Fault = Fault::Status {
    status: StatusCode::SERVICE_UNAVAILABLE,
    error_code: "ServerBusy",
    retry_after: Some(7),
};

#[tokio::test]
async fn a_busy_store_refuses_writes_and_heads_and_shows_its_blobs() {
    let (endpoint, client) = orders().await;
    client.put("a", &[], "1").await;
    endpoint.faults().set(BUSY);
    let put = client.put("a", &[], "2").await;
    assert_eq!(put.outcome(), (503, "ServerBusy"));
    assert_eq!(put.header("retry-after"), "7");
    let head = client.send(Method::HEAD, "/orders/a", &[], "").await;
    assert_eq!(head.outcome(), (503, "ServerBusy"));
    let get = client.send(Method::GET, "/orders/a", &[], "").await;
    assert_eq!(get.body, "1");
    endpoint.faults().set(Fault::FORBID_ALL);
    let put = client.put("a", &[], "2").await;
    assert_eq!(put.outcome(), (403, "AuthorizationFailure"));
    endpoint.faults().set(Fault::None);
    assert_eq!(client.put("a", &[], "2").await.outcome(), (201, ""));
    let statuses: Vec<_> = endpoint
        .requests()
        .iter()
        .map(|r| r.status.unwrap().as_u16())
        .collect();
    assert_eq!(statuses, [201, 503, 503, 200, 403, 201]);
}

#[tokio::test]
async fn scripted_faults_come_one_by_one_and_before_the_standing_one() {
    let (endpoint, client) = orders().await;
    endpoint
        .faults()
        .fail_next([BUSY, Fault::None, Fault::FORBID_ALL]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.put("a", &[], "1").await.status.as_u16());
    }
    assert_eq!(statuses, [503, 201, 403, 201]);
    endpoint.faults().fail_next([BUSY]);
    endpoint.faults().set(Fault::None);
    assert_eq!(client.put("a", &[], "1").await.outcome(), (201, ""));
}

#[tokio::test]
async fn a_write_may_take_effect_and_its_answer_be_lost() {
    let (endpoint, client) = orders().await;
    endpoint.faults().set(Fault::ApplyThenDropConnection);
    let lost = client.try_put("a", &[("if-none-match", "*")], "1").await;
    assert!(lost.is_err());
    assert_eq!(endpoint.blob("orders", "a").unwrap().bytes, "1");
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, Method::PUT);
    assert_eq!(requests[0].path, "/devstoreaccount1/orders/a");
    assert_eq!(requests[0].status, None);

    endpoint
        .faults()
        .set(Fault::ApplyThenStatus(StatusCode::INTERNAL_SERVER_ERROR));
    let failed = client.put("a", &[], "2").await;
    assert_eq!(failed.outcome(), (500, "InternalError"));
    assert_eq!(endpoint.blob("orders", "a").unwrap().bytes, "2");
}

#[tokio::test]
async fn a_delayed_write_takes_effect_after_its_client_has_left() {
    let (endpoint, client) = orders().await;
    endpoint
        .faults()
        .set(Fault::Delay(Duration::from_millis(50)));
    tokio::select! {
        reply = client.try_put("a", &[], "late") => panic!("answered at once: {reply:?}"),
        () = testkit::until("a request", || !endpoint.requests().is_empty()) => {}
    }
    assert_eq!(endpoint.blob("orders", "a"), None);
    testkit::until("a blob", || endpoint.blob("orders", "a").is_some()).await;
}

#[tokio::test]
async fn a_hanging_request_ends_with_the_next_change_and_without_effect() {
    let (endpoint, client) = orders().await;
    endpoint.faults().set(Fault::Hang);
    let hanging = client.try_put("a", &[], "1");
    let release = async {
        testkit::until("a request", || !endpoint.requests().is_empty()).await;
        endpoint.faults().set(Fault::None);
    };
    let (answer, ()) = tokio::join!(hanging, release);
    assert!(answer.is_err());
    assert_eq!(endpoint.blob("orders", "a"), None);
    assert_eq!(endpoint.requests()[0].status, None);
}

#[tokio::test]
async fn a_stop_ends_hanging_requests_too() {
    let (endpoint, client) = orders().await;
    endpoint.faults().set(Fault::Hang);
    let storage = endpoint.storage().clone();
    let hanging = client.try_put("a", &[], "1");
    let stop = async {
        testkit::until("a request", || !endpoint.requests().is_empty()).await;
        endpoint.stop().await;
    };
    let (answer, ()) = tokio::join!(hanging, stop);
    assert!(answer.is_err());
    assert_eq!(storage.blob("orders", "a"), None);
}
