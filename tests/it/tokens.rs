//! Held tokens: whoever has a valid one is served at once, whatever the identity's endpoint does.

mod endpoint;

use std::sync::Arc;
use std::time::Duration;

use azure_app::http_client;
use azure_app::identity::HeldTokens;
use azure_core::credentials::TokenCredential;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport, headers,
};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use order_items_reserver::fallback::logic_app::{Authorization, LogicApp};
use order_items_reserver::fallback::{Fallback as _, FallbackError, Notice, Reason};
use order_items_reserver::order::{Delivery, Order};
use testkit::scripted::Scripted;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance};

use crate::support::rig::accepting;
use endpoint::Endpoint;
use endpoint::Reply::{Expires, Hangs, Refuses};

const STORAGE: &[&str] = &["https://storage.azure.com/.default"];
const WORKFLOW: &[&str] = &["https://management.azure.com/.default"];

/// Within the window in which the SDK asks for another.
const SHORT: i64 = 200;
const LONG: i64 = 3600;

async fn token(held: &HeldTokens, scope: &[&str]) -> Result<String, String> {
    match held.get_token(scope, None).await {
        Ok(token) => Ok(token.token.secret().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What runs beside this test gets as far as it can.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_at_once_while_its_renewal_hangs() {
    let (endpoint, held) = Endpoint::start([Expires(SHORT), Hangs, Hangs], Expires(LONG));
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(token(&held, STORAGE).await.unwrap(), "token-1");
        settle().await;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waited");
    assert_eq!(endpoint.asked(), 2, "one renewal");
    // It has failed by now, and the next may not begin yet.
    advance(Duration::from_secs(29)).await;
    assert_eq!(token(&held, STORAGE).await.unwrap(), "token-1");
    settle().await;
    assert_eq!(endpoint.asked(), 2);
    for (asked, after, served) in [(3, 1, "token-1"), (4, 30, "token-1"), (4, 30, "token-4")] {
        advance(Duration::from_secs(after)).await;
        assert_eq!(token(&held, STORAGE).await.unwrap(), served);
        settle().await;
        assert_eq!(endpoint.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_gives_out_the_same_token_is_not_asked_by_every_request() {
    let (endpoint, held) = Endpoint::start([], Expires(SHORT));
    for _ in 0..20 {
        token(&held, STORAGE).await.unwrap();
        settle().await;
    }
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_far_from_its_end_is_not_renewed() {
    let (endpoint, held) = Endpoint::start([], Expires(LONG));
    for _ in 0..3 {
        assert_eq!(token(&held, STORAGE).await.unwrap(), "token-1");
        advance(Duration::from_secs(60)).await;
        settle().await;
    }
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_token_the_error_is_the_endpoints() {
    for first in [Refuses, Expires(-1)] {
        let (endpoint, held) = Endpoint::start([first], Refuses);
        token(&held, STORAGE).await.ok();
        let error = token(&held, STORAGE).await.unwrap_err();
        assert_eq!(error, "the endpoint says no");
        assert_eq!(endpoint.asked(), 2, "each asks");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_token_an_endpoint_that_hangs_is_given_up_within_the_limit() {
    let (endpoint, held) = Endpoint::start([Expires(-1)], Hangs);
    token(&held, STORAGE).await.unwrap();
    let held = Arc::new(held);
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let held = Arc::clone(&held);
        callers.spawn(async move { token(&held, STORAGE).await });
    }
    let begun = Instant::now();
    for result in callers.join_all().await {
        let error = result.unwrap_err();
        assert!(error.contains("no answer within 8s"), "{error}");
    }
    // Virtual time: those who wait for the one that asks do not wait longer than it does.
    assert_eq!(begun.elapsed().as_secs(), 8);
    assert_eq!(endpoint.asked(), 2, "one of them asked");
}

#[tokio::test(start_paused = true)]
async fn many_callers_make_one_fetch_and_one_renewal() {
    for (expires, asked) in [(LONG, 1), (SHORT, 2)] {
        let (endpoint, held) = Endpoint::start([], Expires(expires));
        let held = Arc::new(held);
        for _ in 0..2 {
            let mut callers = JoinSet::new();
            for _ in 0..64 {
                let held = Arc::clone(&held);
                callers.spawn(async move { token(&held, STORAGE).await });
            }
            let served = callers.join_all().await;
            assert!(served.iter().all(Result::is_ok), "{served:?}");
        }
        settle().await;
        assert_eq!(endpoint.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn each_scope_has_a_token_of_its_own() {
    let (_, held) = Endpoint::start([], Expires(LONG));
    for _ in 0..2 {
        assert_eq!(token(&held, STORAGE).await.unwrap(), "token-1");
        assert_eq!(token(&held, WORKFLOW).await.unwrap(), "token-2");
    }
}

#[tokio::test]
async fn the_sdks_storage_client_goes_on_with_the_token_it_has() {
    for then in [Hangs, Refuses] {
        let (endpoint, held) = Endpoint::start([Expires(SHORT)], then);
        let storage = Arc::new(Storage::default());
        let options = BlobContainerClientOptions {
            client_options: ClientOptions {
                transport: Some(Transport::new(storage.clone())),
                ..ClientOptions::default()
            },
            ..BlobContainerClientOptions::default()
        };
        let url = "https://store.example/orders".parse().unwrap();
        let client = BlobContainerClient::new(url, Some(Arc::new(held)), Some(options)).unwrap();
        for _ in 0..5 {
            client.get_properties(None).await.unwrap();
            settle().await;
        }
        assert_eq!(*storage.seen.lock().unwrap(), ["Bearer token-1"; 5]);
        assert_eq!(endpoint.asked(), 2, "it wanted another: {then:?}");
    }
}

#[tokio::test]
async fn the_fallback_goes_on_with_the_token_it_has() {
    for then in [Hangs, Refuses] {
        let (endpoint, held) = Endpoint::start([Expires(SHORT)], then);
        let workflow = Scripted::start([], accepting()).await;
        let fallback = logic_app(&workflow, held);
        for _ in 0..3 {
            send(&fallback).await.unwrap();
        }
        let shown = workflow.received();
        let shown: Vec<_> = shown.iter().map(|it| it.header("authorization")).collect();
        assert_eq!(shown, vec![Some("Bearer token-1".to_owned()); 3]);
        assert_eq!(endpoint.asked(), 2);
    }
}

#[tokio::test]
async fn without_a_token_the_workflow_is_not_called() {
    let (_, held) = Endpoint::start([], Refuses);
    let workflow = Scripted::start([], accepting()).await;
    let error = send(&logic_app(&workflow, held)).await.unwrap_err();
    let expected = FallbackError::Credential("the endpoint says no".to_owned());
    assert_eq!(error, expected);
    assert!(workflow.received().is_empty());
}

fn logic_app(workflow: &Scripted, held: HeldTokens) -> LogicApp {
    LogicApp {
        url: format!("http://{}/invoke", workflow.address)
            .parse()
            .unwrap(),
        client: http_client::build("test").unwrap(),
        authorization: Some(Authorization {
            credential: Arc::new(held),
            scope: WORKFLOW[0].to_owned(),
        }),
    }
}

async fn send(fallback: &LogicApp) -> Result<(), FallbackError> {
    let delivery = Delivery {
        body: "no order".into(),
        ..Delivery::default()
    };
    let reason = Reason::Unreadable(Order::parse(&delivery).unwrap_err());
    let notice = Notice {
        delivery: &delivery,
        order: None,
        reason: &reason,
    };
    fallback.send(&notice).await
}

/// Notes the token of each request, and says yes.
#[derive(Debug, Default)]
struct Storage {
    seen: std::sync::Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl HttpClient for Storage {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let shown = request
            .headers()
            .get_optional_string(&headers::AUTHORIZATION);
        self.seen.lock().unwrap().push(shown.unwrap_or_default());
        let headers = headers::Headers::new();
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, headers, ""))
    }
}
