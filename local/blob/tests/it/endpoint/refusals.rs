//! What is refused, and with which code.

use reqwest::Method;
use testkit::net;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::orders;
use crate::client::BlobClient;

/// Method, path below the account, status, error code, and headers if there are any.
const REFUSALS: &str = "
    PUT    /absent/a                     404 ContainerNotFound     x-ms-blob-type:BlockBlob
    PUT    /Or_ders/a                    400 InvalidResourceName   x-ms-blob-type:BlockBlob
    PUT    /orders/a                     400 MissingRequiredHeader
    PUT    /orders/a                     400 InvalidHeaderValue    x-ms-blob-type:PageBlob
    PUT    /orders/a                     400 InvalidMetadata       x-ms-blob-type:BlockBlob x-ms-meta-a-b:1
    PUT    /orders/a                     501 NotImplemented        x-ms-blob-type:BlockBlob x-ms-lease-id:1
    PUT    /orders/a?comp=block&blockid=MQ== 501 NotImplemented
    PUT    /orders                       501 NotImplemented        x-ms-blob-type:BlockBlob
    GET    /orders/a?snapshot=1          501 NotImplemented
    POST   /orders/a                     405 UnsupportedHttpVerb
    GET    /orders/a                     404 BlobNotFound
    HEAD   /orders/a                     404 BlobNotFound
    HEAD   /absent/a                     404 ContainerNotFound
    DELETE /orders/a                     404 BlobNotFound
    PUT    /orders?restype=container     409 ContainerAlreadyExists
    PUT    /-orders?restype=container    400 InvalidResourceName
    PUT    /no?restype=container         400 OutOfRangeInput
    HEAD   /absent?restype=container     404 ContainerNotFound
    DELETE /absent?restype=container     404 ContainerNotFound
    GET    /absent?comp=list&restype=container 404 ContainerNotFound
    GET    /?comp=list&maxresults=0      400 InvalidQueryParameterValue
";

#[tokio::test]
async fn refusals_have_the_codes_of_the_service() {
    let (endpoint, client) = orders().await;
    for line in REFUSALS.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let [method, path, status, code] = [(); 4].map(|()| words.next().unwrap());
        let headers: Vec<_> = words.map(|word| word.split_once(':').unwrap()).collect();
        let body = if method == "PUT" { "x" } else { "" };
        let method: Method = method.parse().unwrap();
        let reply = client.send(method.clone(), path, &headers, body).await;
        assert_eq!(reply.outcome(), (status.parse().unwrap(), code), "{line}");
        assert_eq!(reply.body.is_empty(), method == Method::HEAD, "{line}");
    }
    assert_eq!(endpoint.blob("orders", "a"), None);
}

#[tokio::test]
async fn a_blob_name_has_its_limit() {
    let (_endpoint, client) = orders().await;
    let put = client.put(&"a".repeat(1_024), &[], "x").await;
    assert_eq!(put.outcome(), (201, ""));
    let put = client.put(&"a".repeat(1_025), &[], "x").await;
    assert_eq!(put.outcome(), (400, "OutOfRangeInput"));
}

#[tokio::test]
async fn an_unknown_operation_is_named() {
    let (_endpoint, client) = orders().await;
    let unknown = client
        .send(Method::PUT, "/orders/a?comp=tier", &[], "")
        .await;
    assert!(
        unknown.body.contains("PUT /devstoreaccount1/orders/a"),
        "{}",
        unknown.body
    );
    assert!(unknown.body.contains("comp=tier"), "{}", unknown.body);
}

#[tokio::test]
async fn a_write_announces_its_length() {
    let (_endpoint, client) = orders().await;
    // Without a body the client sends no Content-Length.
    let put = client.put("a", &[], "").await;
    assert_eq!(put.outcome(), (411, "MissingContentLengthHeader"));
}

#[tokio::test]
async fn a_write_needs_the_key_and_a_read_does_not() {
    let (endpoint, client) = orders().await;
    client.put("a.json", &[], "{}").await;
    let stranger = BlobClient::with_key(&endpoint, "d3Jvbmc=");
    let refused = stranger.put("a.json", &[], "no").await;
    assert_eq!(refused.outcome(), (403, "AuthenticationFailed"));
    let read = stranger.send(Method::GET, "/orders/a.json", &[], "").await;
    assert_eq!(read.outcome(), (403, "AuthenticationFailed"));

    let http = net::client();
    let url = format!("{}/orders/a.json", endpoint.url());
    let unsigned = http.put(&url).header("x-ms-blob-type", "BlockBlob");
    let unsigned = unsigned.body("no").send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(
        unsigned.headers()["x-ms-error-code"],
        "NoAuthenticationInformation"
    );
    let read = http.get(&url).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "{}");
    let shared = http
        .get(format!("{url}?sp=r&sig=abc"))
        .send()
        .await
        .unwrap();
    assert_eq!(shared.status(), 403);
    assert!(shared.text().await.unwrap().contains("not supported here"));
    assert_eq!(endpoint.history("orders", "a.json").len(), 1);
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_not_read() {
    let (endpoint, _client) = orders().await;
    let mut socket = TcpStream::connect(endpoint.address()).await.unwrap();
    let head =
        "PUT /devstoreaccount1/orders/a HTTP/1.1\r\nhost: x\r\ncontent-length: 8388609\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}
