//! Containers, and the listings of containers and blobs.

use blob::BlobEndpoint;
use reqwest::Method;
use testkit::net;

use super::orders;
use crate::client::{BlobClient, elements};

#[tokio::test]
async fn containers_come_and_go() {
    let endpoint = BlobEndpoint::start(net::listener().await).unwrap();
    let client = BlobClient::to(&endpoint);
    let path = "/orders?restype=container";
    let created = client.send(Method::PUT, path, &[], "").await;
    assert_eq!(created.outcome(), (201, ""));
    let found = client.send(Method::GET, path, &[], "").await;
    assert_eq!(found.outcome(), (200, ""));
    assert_eq!(found.header("etag"), created.header("etag"));
    client
        .send(Method::PUT, "/archive?restype=container", &[], "")
        .await;
    let listed = client.send(Method::GET, "/?comp=list", &[], "").await;
    assert_eq!(elements(&listed.body, "Name"), ["archive", "orders"]);
    let deleted = client.send(Method::DELETE, path, &[], "").await;
    assert_eq!(deleted.outcome(), (202, ""));
    let gone = client.send(Method::HEAD, path, &[], "").await;
    assert_eq!(gone.outcome(), (404, "ContainerNotFound"));
}

#[tokio::test]
async fn lists_have_prefixes_pages_and_metadata() {
    let (_endpoint, client) = orders().await;
    for name in ["a/1", "b/1", "b/%26%3C", "b/2"] {
        client.put(name, &[("x-ms-meta-sequence", "7")], "{}").await;
    }
    let list = async |query: &str| {
        let path = format!("/orders?comp=list&restype=container{query}");
        client.send(Method::GET, &path, &[], "").await.body
    };
    let all = list("").await;
    assert_eq!(elements(&all, "Name"), ["a/1", "b/&amp;&lt;", "b/1", "b/2"]);
    assert!(!all.contains("<Metadata>"), "{all}");
    let some = list("&prefix=b/&include=metadata&maxresults=2").await;
    assert_eq!(elements(&some, "Name"), ["b/&amp;&lt;", "b/1"]);
    assert_eq!(elements(&some, "sequence"), ["7", "7"]);
    assert_eq!(elements(&some, "Content-Length"), ["2", "2"]);
    assert_eq!(elements(&some, "NextMarker"), ["b/2"]);
    let rest = list("&prefix=b/&maxresults=2&marker=b/2").await;
    assert_eq!(elements(&rest, "Name"), ["b/2"]);
    assert_eq!(elements(&rest, "NextMarker"), [""]);
}
