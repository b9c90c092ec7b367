//! What the host is answered, byte for byte: it judges an answer by status, type and shape.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use order_items_reserver::fallback::FallbackError;
use order_items_reserver::http::{REQUEST_MAX, ROUTE, router};
use order_items_reserver::reserve::Reserver;
use order_items_reserver::retry::Exhausted;
use order_items_reserver::store::{Put, StoreError};
use serde_json::{Value, json};
use storage_account::StorageError;
use tower::ServiceExt as _;

use super::doubles::{ScriptedFallback, ScriptedStore, busy, reserver};
use super::{envelope, recorded};

struct Answer {
    status: StatusCode,
    content_type: String,
    body: String,
}

async fn ask(
    reserver: &Arc<Reserver<ScriptedStore, ScriptedFallback>>,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(body))
        .unwrap();
    let answer = router(reserver.clone()).oneshot(request).await.unwrap();
    let content_type = answer.headers().get(CONTENT_TYPE);
    Answer {
        status: answer.status(),
        content_type: content_type
            .map_or("", |value| value.to_str().unwrap())
            .to_owned(),
        body: String::from_utf8(
            answer
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec(),
        )
        .unwrap(),
    }
}

async fn invoke(
    store: Result<Put, StoreError>,
    fallback: Result<(), FallbackError>,
    request: Vec<u8>,
) -> Answer {
    let reserver = reserver(
        ScriptedStore::answering(store),
        ScriptedFallback::answering(fallback),
    );
    ask(&reserver, "POST", ROUTE, request).await
}

#[tokio::test(start_paused = true)]
async fn each_settlement_has_its_exact_answer() {
    const NAME: &str = "E7DBA502A3B795953DDE76EA965EBBF3.json";
    let order = || recorded("single-binary");
    let no = || Err(FallbackError::Refused(500));
    let expected = [
        (
            Ok(Put::Stored),
            no(),
            order(),
            200,
            format!(
                r#"{{"Outputs":{{}},"Logs":["{NAME} stored, upload attempts: 1"],"ReturnValue":null}}"#
            ),
        ),
        (
            Ok(Put::Superseded),
            no(),
            order(),
            200,
            r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#.to_owned(),
        ),
        (
            Err(busy()),
            Ok(()),
            order(),
            200,
            r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#.to_owned(),
        ),
        (
            Ok(Put::Stored),
            Ok(()),
            recorded("single-binary-not-json"),
            200,
            r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#.to_owned(),
        ),
        (
            Err(busy()),
            no(),
            order(),
            500,
            r#"{"error":"neither storage nor fallback took the order"}"#.to_owned(),
        ),
        (
            Ok(Put::Stored),
            no(),
            recorded("single-binary-empty"),
            500,
            r#"{"error":"neither storage nor fallback took the order"}"#.to_owned(),
        ),
    ];
    for (store, fallback, request, status, body) in expected {
        let answer = invoke(store, fallback, request).await;
        assert_eq!(answer.body, body);
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.content_type, "application/json");
    }
}

/// The host waits for its own time-out on an empty or `null` 2xx, and fails on any other text.
#[tokio::test(start_paused = true)]
async fn a_2xx_is_always_a_json_object() {
    let stores = [
        Ok(Put::Stored),
        Ok(Put::Superseded),
        Err(busy()),
        Err(StoreError::ContainerVanished),
        Err(StoreError::NoContainer(Box::new(busy()))),
        Err(StorageError::Unreachable("refused".to_owned()).into()),
        Err(StorageError::Credential("none".to_owned()).into()),
        Err(StorageError::Unexpected("?".to_owned()).into()),
        Err(StoreError::Contended(5)),
    ];
    let fallbacks = [
        Ok(()),
        Err(FallbackError::Refused(404)),
        Err(FallbackError::Unreachable("refused".to_owned())),
        Err(FallbackError::Credential("none".to_owned())),
    ];
    let requests = [
        recorded("single-binary"),
        recorded("single-string-empty"),
        recorded("single-binary-invalid-utf8"),
        recorded("batch-binary"),
        envelope(&json!("null"), &json!({})),
        envelope(&json!({"id": "\"quoted\"\n\u{202e}"}), &json!({})),
        Vec::new(),
    ];
    let mut successes = 0;
    for store in &stores {
        for fallback in &fallbacks {
            for request in &requests {
                let answer = invoke(store.clone(), fallback.clone(), request.clone()).await;
                assert_eq!(answer.content_type, "application/json", "{}", answer.body);
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                if answer.status.is_success() {
                    successes += 1;
                    assert!(body["Outputs"].is_object(), "{body}");
                    assert!(body["Logs"].is_array(), "{body}");
                    assert_eq!(answer.status, StatusCode::OK, "a 204 would have no body");
                } else {
                    assert!(body["error"].is_string(), "{body}");
                    assert!(!answer.status.is_redirection(), "the host would follow it");
                }
            }
        }
    }
    assert!(successes > 40, "the rule was tried: {successes}");
}

#[tokio::test]
async fn what_is_not_ours_is_refused_in_clear_json() {
    let store = ScriptedStore::answering(Ok(Put::Stored));
    let fallback = ScriptedFallback::answering(Ok(()));
    let reserver = reserver(store.clone(), fallback.clone());
    let good = || recorded("single-binary");
    let refused = [
        ("POST", ROUTE, b"garbage".to_vec(), 400, "not an invocation"),
        ("POST", ROUTE, Vec::new(), 400, "not an invocation"),
        ("POST", ROUTE, br#"{"Data":{}}"#.to_vec(), 400, "`order`"),
        (
            "POST",
            ROUTE,
            envelope(&json!("[]"), &json!({})),
            400,
            "a batch without a message",
        ),
        ("POST", "/", good(), 405, "POST /OrderItemsReserver"),
        (
            "POST",
            "/orderitemsreserver",
            good(),
            404,
            "POST /OrderItemsReserver",
        ),
        (
            "POST",
            "/OrderItemsReserver/",
            good(),
            404,
            "POST /OrderItemsReserver",
        ),
        (
            "POST",
            "/api/OrderItemsReserver",
            good(),
            404,
            "POST /OrderItemsReserver",
        ),
        ("GET", "/admin", Vec::new(), 404, "POST /OrderItemsReserver"),
        ("GET", ROUTE, Vec::new(), 405, "POST /OrderItemsReserver"),
        ("PUT", ROUTE, good(), 405, "POST /OrderItemsReserver"),
        ("DELETE", ROUTE, Vec::new(), 405, "POST /OrderItemsReserver"),
        (
            "POST",
            ROUTE,
            vec![b' '; REQUEST_MAX + 1],
            413,
            "messages of up to 262144 bytes",
        ),
    ];
    for (method, path, body, status, text) in refused {
        let answer = ask(&reserver, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert_eq!(answer.content_type, "application/json", "{method} {path}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let error = body["error"].as_str().unwrap();
        assert!(error.contains(text), "{method} {path}: {error}");
    }
    assert!(store.puts().is_empty(), "nothing of it reached the store");
    assert!(fallback.reasons().is_empty(), "or a person");
}

#[tokio::test]
async fn a_request_at_the_limit_is_still_read() {
    let store = ScriptedStore::answering(Ok(Put::Stored));
    let reserver = reserver(store.clone(), ScriptedFallback::answering(Ok(())));
    let mut request = recorded("single-binary");
    request.resize(REQUEST_MAX, b' ');
    let answer = ask(&reserver, "POST", ROUTE, request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(store.puts().len(), 1);
}

#[tokio::test]
async fn the_readiness_probe_names_program_and_version() {
    let reserver = reserver(
        ScriptedStore::answering(Ok(Put::Stored)),
        ScriptedFallback::answering(Ok(())),
    );
    let answer = ask(&reserver, "GET", "/", Vec::new()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.content_type, "application/json");
    let expected = format!(
        r#"{{"name":"order-items-reserver","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(answer.body, expected);
}

/// The four attempts and the reason are told to the person, and only after the fourth.
#[tokio::test(start_paused = true)]
async fn a_handed_over_order_was_tried_four_times() {
    let store = ScriptedStore::answering(Err(busy()));
    let fallback = ScriptedFallback::answering(Ok(()));
    let reserver = reserver(store.clone(), fallback.clone());
    ask(&reserver, "POST", ROUTE, recorded("single-binary")).await;
    assert_eq!(store.puts().len(), 4);
    let error = Exhausted {
        attempts: 4,
        last: busy(),
    };
    let reason = format!("upload could not be confirmed: {error}");
    assert_eq!(fallback.reasons(), [reason]);
}
