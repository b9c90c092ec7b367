//! The managed identity of App Service: what is asked of its endpoint, and how its no is told.
//!
//! Storage has to be https for it, so that no token can be used here: only the way to it is seen.

use blob::BlobEndpoint;
use testkit::net::listener;
use testkit::scripted::{Received, Scripted, Step, answer, answering};
use testkit::until;
use time::OffsetDateTime;

use super::{REACHED, UNAVAILABLE, assert_checked, assert_discreet};
use crate::support::handler::run;
use crate::support::rig::{accepting, settings};
use crate::support::{Handler, Message};

const API_VERSION: (&str, &str) = ("api-version", "2019-08-01");
const RESOURCE: (&str, &str) = ("resource", "https://storage.azure.com");

/// App Service hands out tokens at `IDENTITY_ENDPOINT`; storage is https, and nobody is there.
fn with_identity(endpoint: &Scripted, fallback: &Scripted) -> Vec<(&'static str, String)> {
    let mut settings = settings("", fallback.address);
    settings.extend([
        (
            "OrdersStorage__blobServiceUri",
            "https://127.0.0.1:1/".to_owned(),
        ),
        ("OrdersStorage__credential", "managedidentity".to_owned()),
        (
            "IDENTITY_ENDPOINT",
            format!("http://{}/msi/token", endpoint.address),
        ),
        ("IDENTITY_HEADER", "canary-of-the-header".to_owned()),
    ]);
    settings
}

/// What the endpoint answers when it grants one; when it expires, in Unix time.
fn token(expires: i64) -> Vec<u8> {
    let token = format!(
        r#"{{"access_token":"canary-token","expires_on":"{expires}","token_type":"Bearer","resource":"https://storage.azure.com"}}"#
    );
    answer("200 OK", "content-type: application/json\r\n", &token)
}

fn token_query(seen: &Received) -> Vec<(String, String)> {
    assert_eq!(seen.method(), "GET");
    assert_eq!(
        seen.header("x-identity-header").as_deref(),
        Some("canary-of-the-header")
    );
    let url = url::Url::parse(&format!("http://localhost{}", seen.target())).unwrap();
    assert_eq!(url.path(), "/msi/token");
    let mut query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    query.sort();
    query
}

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_managed_identity_asks_the_apps_endpoint_once_and_says_what_failed() {
    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
    for (status, client) in [
        ("400 Bad Request", Some(CLIENT)),
        ("400 Bad Request", None),
        ("404 Not Found", None),
        ("409 Conflict", None),
        ("412 Precondition Failed", None),
        ("429 Too Many Requests", None),
        ("500 Internal Server Error", Some(CLIENT)),
        ("503 Service Unavailable", None),
    ] {
        let endpoint = Scripted::start([], answering(status, "")).await;
        let fallback = Scripted::start([], accepting()).await;
        let mut settings = with_identity(&endpoint, &fallback);
        let mut expected = vec![API_VERSION, RESOURCE];
        if let Some(client) = client {
            settings.push(("OrdersStorage__clientId", client.to_owned()));
            expected.insert(1, ("client_id", client));
        }
        let checked = run(&["--check"], &settings).await;
        assert_checked(&checked, UNAVAILABLE, "no token for the storage", REACHED);
        let seen = endpoint.received();
        assert_eq!(seen.len(), 1, "no retries of the SDK's own: {status}");
        assert_eq!(token_query(&seen[0]), query(&expected));
        assert!(!checked.stdout.contains("canary-of"), "{}", checked.stdout);
    }
}

#[tokio::test]
async fn an_id_for_all_connections_names_the_identity_that_is_asked_for() {
    let endpoint = Scripted::start([], answering("400 Bad Request", "")).await;
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = with_identity(&endpoint, &fallback);
    settings.retain(|(name, _)| *name != "OrdersStorage__credential");
    settings.push(("AZURE_CLIENT_ID", "id-of-all".to_owned()));
    let checked = run(&["--check"], &settings).await;
    assert_checked(&checked, UNAVAILABLE, "no token for the storage", REACHED);
    let expected = [API_VERSION, ("client_id", "id-of-all"), RESOURCE];
    assert_eq!(token_query(&endpoint.received()[0]), query(&expected));
}

#[tokio::test]
async fn an_identity_endpoint_alone_means_the_system_assigned_identity() {
    let endpoint = Scripted::start([], answering("400 Bad Request", "")).await;
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = with_identity(&endpoint, &fallback);
    settings.retain(|(name, _)| *name != "OrdersStorage__credential");
    let checked = run(&["--check"], &settings).await;
    assert_checked(&checked, UNAVAILABLE, "no token for the storage", REACHED);
    assert_eq!(
        token_query(&endpoint.received()[0]),
        query(&[API_VERSION, RESOURCE])
    );
}

#[tokio::test]
async fn a_token_is_fetched_within_each_attempt_and_shown_nowhere() {
    let fallback = Scripted::start([], accepting()).await;
    let refusal = answer("500 Internal Server Error", "", "no identity");
    let granted = token(4_102_444_800);
    for (last, attempt_timeout_ms, asked) in [
        // Without a token each attempt asks, within its own limit; with one, storage is what fails.
        (Step::Send(refusal), "20000", 4),
        (Step::Hang, "1000", 4),
        (Step::Send(granted), "20000", 1),
    ] {
        let endpoint = Scripted::start([], vec![Step::ReadAll, last]).await;
        let mut settings = with_identity(&endpoint, &fallback);
        settings.retain(|(name, _)| *name != "UPLOAD_ATTEMPT_TIMEOUT_MS");
        settings.push(("UPLOAD_ATTEMPT_TIMEOUT_MS", attempt_timeout_ms.to_owned()));
        settings.push(("RUST_LOG", "trace".to_owned()));
        let mut handler = Handler::start(&settings).await;
        let message = Message::new("cart", 7);
        handler.deliver(&message).await;
        let line = handler.line(&message).await;
        assert_eq!(
            (&line["outcome"], &line["attempts"]),
            (&"handed over".into(), &4.into())
        );
        assert_eq!(endpoint.received().len(), asked);
        handler.kill().await;
        assert_discreet(&[handler.stdout.all(), handler.stderr.all()].concat());
    }
}

#[tokio::test]
async fn a_token_that_still_holds_is_used_while_the_endpoint_hangs() {
    let expires = OffsetDateTime::now_utc().unix_timestamp() + 200;
    let granted = vec![Step::ReadAll, Step::Send(token(expires))];
    let endpoint = Scripted::start([granted], vec![Step::ReadAll, Step::Hang]).await;
    // It speaks no TLS, but sees who comes.
    let storage = Scripted::start([], vec![Step::Read(1), Step::Reset]).await;
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = with_identity(&endpoint, &fallback);
    settings.push((
        "OrdersStorage__blobServiceUri",
        format!("https://{}/", storage.address),
    ));
    let handler = Handler::start(&settings).await;
    for (sequence, storage_seen) in [(7, 4), (8, 8)] {
        let message = Message::new("cart", sequence);
        handler.deliver(&message).await;
        let line = handler.line(&message).await;
        assert_eq!(line["outcome"], "handed over");
        assert_eq!(
            storage.received().len(),
            storage_seen,
            "every attempt gets there"
        );
    }
    until("a try to renew the token", || endpoint.received().len() > 1).await;
}

#[tokio::test]
async fn check_fetches_the_token_that_the_fallback_wants() {
    let storage = BlobEndpoint::start(listener().await).unwrap();
    let granted = vec![Step::ReadAll, Step::Send(token(4_102_444_800))];
    for (answers, fallback_seen, said) in [
        (
            answering("400 Bad Request", ""),
            0,
            "FAILED: no token for https://management.azure.com/.default: ",
        ),
        // It gets to the fallback, which speaks no TLS.
        (granted, 1, "FAILED: https://127.0.0.1:"),
    ] {
        let endpoint = Scripted::start([], answers).await;
        let fallback = Scripted::start([], vec![Step::Read(1), Step::Reset]).await;
        let mut settings = with_identity(&endpoint, &fallback);
        settings.retain(|(name, _)| *name != "OrdersStorage__blobServiceUri");
        settings.extend([
            ("OrdersStorage", storage.connection_string()),
            (
                "FALLBACK_URL",
                format!("https://{}/notify", fallback.address),
            ),
            (
                "FALLBACK_TOKEN_SCOPE",
                "https://management.azure.com/.default".to_owned(),
            ),
            ("FALLBACK_CLIENT_ID", "of-no-role".to_owned()),
        ]);
        let checked = run(&["--check"], &settings).await;
        assert_checked(&checked, UNAVAILABLE, "ok: ", said);
        assert_eq!(fallback.received().len(), fallback_seen, "{checked:?}");
        let asked = [
            API_VERSION,
            ("client_id", "of-no-role"),
            ("resource", "https://management.azure.com"),
        ];
        assert_eq!(endpoint.received().len(), 1);
        assert_eq!(token_query(&endpoint.received()[0]), query(&asked));
    }
}
