//! Block blobs: the operations, their conditions, and a stop.

mod faults;
mod lists;
mod refusals;

use blob::{BlobEndpoint, Upload};
use reqwest::Method;
use testkit::net;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::client::BlobClient;

/// An endpoint with an empty container `orders`.
pub(crate) async fn orders() -> (BlobEndpoint, BlobClient) {
    let endpoint = BlobEndpoint::start(net::listener().await).unwrap();
    endpoint.storage().create_container("orders").unwrap();
    let client = BlobClient::to(&endpoint);
    (endpoint, client)
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let (endpoint, client) = orders().await;
    let headers = [
        ("content-type", "application/octet-stream"),
        ("x-ms-blob-content-type", "application/json"),
        ("x-ms-client-request-id", "the-client's-own"),
        ("x-ms-meta-sequence", "8412"),
    ];
    let put = client.put("a%20b.json", &headers, "{\"id\":1}").await;
    assert_eq!(put.outcome(), (201, ""));
    assert_eq!(put.header("x-ms-request-server-encrypted"), "true");
    assert_eq!(put.header("x-ms-client-request-id"), "the-client's-own");
    assert_eq!(put.header("x-ms-version"), "2023-11-03");
    assert_eq!(put.header("content-length"), "0");
    assert_ne!(put.header("x-ms-request-id"), "");

    for method in [Method::GET, Method::HEAD] {
        let expected = match method {
            Method::GET => "{\"id\":1}",
            _ => "",
        };
        let reply = client.send(method, "/orders/a%20b.json", &[], "").await;
        assert_eq!(reply.outcome(), (200, ""));
        assert_eq!(reply.body, expected);
        assert_eq!(reply.header("content-length"), "8");
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("x-ms-blob-type"), "BlockBlob");
        assert_eq!(reply.header("x-ms-meta-sequence"), "8412");
        assert_eq!(reply.header("etag"), put.header("etag"));
        assert_eq!(reply.header("last-modified"), put.header("last-modified"));
    }
    let blob = endpoint.blob("orders", "a b.json").unwrap();
    assert_eq!(blob.bytes, "{\"id\":1}");
    assert_eq!(blob.etag, put.header("etag"));
}

#[tokio::test]
async fn a_write_is_held_to_its_conditions_and_a_refused_one_changes_nothing() {
    let (endpoint, client) = orders().await;
    let absent = [("if-none-match", "*")];
    let stale = [("if-match", "\"0x1\"")];
    assert_eq!(
        client.put("a", &stale, "no").await.outcome(),
        (412, "ConditionNotMet")
    );
    let first = client.put("a", &absent, "1").await;
    assert_eq!(first.outcome(), (201, ""));
    assert_eq!(
        client.put("a", &absent, "no").await.outcome(),
        (409, "BlobAlreadyExists")
    );
    assert_eq!(
        client.put("a", &stale, "no").await.outcome(),
        (412, "ConditionNotMet")
    );
    let known = [("if-match", first.header("etag"))];
    let second = client.put("a", &known, "2").await;
    assert_eq!(second.outcome(), (201, ""));
    assert_eq!(
        client.put("a", &known, "no").await.outcome(),
        (412, "ConditionNotMet")
    );
    // The same content again is a new state all the same.
    let third = client.put("a", &[], "2").await;
    assert_ne!(second.header("etag"), third.header("etag"));

    let delete = client.send(Method::DELETE, "/orders/a", &known, "").await;
    assert_eq!(delete.outcome(), (412, "ConditionNotMet"));
    let unchanged = [("if-none-match", third.header("etag"))];
    let read = client.send(Method::GET, "/orders/a", &unchanged, "").await;
    assert_eq!(read.outcome(), (304, "ConditionNotMet"));
    let delete = client.send(Method::DELETE, "/orders/a", &[], "").await;
    assert_eq!(delete.outcome(), (202, ""));
    assert_eq!(endpoint.blob("orders", "a"), None);
    let history = endpoint.history("orders", "a");
    let contents: Vec<_> = history.iter().map(|state| &state.bytes[..]).collect();
    assert_eq!(contents, [b"1", b"2", b"2"]);
}

#[tokio::test]
async fn a_reader_may_ask_for_a_range() {
    let (_endpoint, client) = orders().await;
    client.put("a", &[], "0123456789").await;
    let part = [("x-ms-range", "bytes=8-4194303")];
    let part = client.send(Method::GET, "/orders/a", &part, "").await;
    assert_eq!(part.outcome(), (206, ""));
    assert_eq!(part.header("content-range"), "bytes 8-9/10");
    assert_eq!(part.body, "89");
    let beyond = [("x-ms-range", "bytes=10-")];
    let beyond = client.send(Method::GET, "/orders/a", &beyond, "").await;
    assert_eq!(beyond.outcome(), (416, "InvalidRange"));
}

#[tokio::test]
async fn every_client_sees_a_stop_and_the_storage_outlives_it() {
    let (endpoint, client) = orders().await;
    let address = endpoint.address();
    client.put("a", &[], "1").await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let storage = endpoint.storage().clone();
    endpoint.stop().await;
    // An end or a reset: either way there is nothing more to read.
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    let error = client.try_put("a", &[], "2").await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");

    let listener = net::listener_on(address).await;
    let again = BlobEndpoint::start_with(listener, storage).unwrap();
    assert_eq!(again.blob("orders", "a").unwrap().bytes, "1");
    assert_eq!(client.put("a", &[], "3").await.outcome(), (201, ""));
    assert_eq!(again.history("orders", "a").len(), 2);
    assert_eq!(again.requests().len(), 1);
}

#[tokio::test]
async fn a_test_may_seed_the_storage() {
    let (endpoint, client) = orders().await;
    let upload = Upload {
        bytes: "{}".into(),
        content_type: "application/json".to_owned(),
        ..Upload::default()
    };
    let storage = endpoint.storage();
    let seeded = storage
        .put("orders", "a", upload, &Default::default())
        .unwrap();
    let known = [("if-match", seeded.etag.as_str())];
    assert_eq!(client.put("a", &known, "2").await.outcome(), (201, ""));
}
