//! `--check` looks, and writes nothing.

use std::time::Duration;

use azure_app::http_client;
use blob::BlobEndpoint;
use order_items_reserver::store::azure::AzureBlobs;
use order_items_reserver::store::blob::BlobService as _;
use storage_account::StorageAccount;
use testkit::net::{listener, nobody};
use testkit::scripted::{Scripted, Step, answering};

use super::{REACHED, UNAVAILABLE, assert_checked};
use crate::support::Azurite;
use crate::support::handler::{Run, run};
use crate::support::rig::{accepting, refusing, settings, storage_at};

async fn check(storage: &str, fallback: &Scripted) -> Run {
    run(&["--check"], &settings(storage, fallback.address)).await
}

#[tokio::test]
async fn check_reaches_storage_and_fallback_and_writes_nothing() {
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let fallback = Scripted::start([], answering("404 Not Found", "")).await;
    let storage = endpoint.connection_string();
    assert_checked(&check(&storage, &fallback).await, Some(0), "ok: ", REACHED);
    endpoint.storage().create_container("orders").unwrap();
    assert_checked(&check(&storage, &fallback).await, Some(0), "ok: ", REACHED);
    let requests = endpoint.requests();
    let methods: Vec<String> = requests
        .iter()
        .map(|request| request.method.to_string())
        .collect();
    assert!(
        methods
            .iter()
            .all(|method| ["GET", "HEAD"].contains(&method.as_str())),
        "{methods:?}"
    );
    assert_eq!(methods.len(), 2, "one look each");
    assert_eq!(
        fallback.methods(),
        ["HEAD"; 2],
        "nothing that starts a workflow"
    );
    assert_eq!(fallback.received()[0].target(), "/", "no signature either");
}

#[tokio::test]
async fn check_works_against_a_real_azurite_without_container() {
    let Some(azurite) = Azurite::get() else {
        return;
    };
    let fallback = Scripted::start([], accepting()).await;
    let mut settings = settings(&azurite.connection_string(), fallback.address);
    settings.push(("ORDERS_CONTAINER", "checked-only".to_owned()));
    for _ in 0..2 {
        let checked = run(&["--check"], &settings).await;
        assert_checked(
            &checked,
            Some(0),
            "missing; the first order creates it",
            REACHED,
        );
    }
}

#[tokio::test]
async fn check_fails_for_each_side_that_does_not_answer() {
    let nobody = nobody();
    let fallback = Scripted::start([], accepting()).await;
    let run_dead = check(&storage_at(nobody.address), &fallback).await;
    assert_checked(&run_dead, UNAVAILABLE, "FAILED: ", REACHED);
    let endpoint = BlobEndpoint::start(listener().await).unwrap();
    let settings = settings(&endpoint.connection_string(), nobody.address);
    let run_dead = run(&["--check"], &settings).await;
    assert_checked(&run_dead, UNAVAILABLE, "ok: ", "FAILED: ");
    for (answer, named) in [
        (
            refusing("403 Forbidden", "AuthorizationFailure"),
            "403 AuthorizationFailure",
        ),
        (
            refusing("503 Service Unavailable", "ServerBusy"),
            "503 ServerBusy",
        ),
        (vec![Step::ReadAll, Step::Reset], "unreachable"),
    ] {
        let storage = Scripted::start([], answer).await;
        let refused = check(&storage_at(storage.address), &fallback).await;
        assert_checked(&refused, UNAVAILABLE, named, REACHED);
        assert_eq!(storage.received().len(), 1, "asked once");
    }
}

/// Reading the container's properties takes more than a signature for one container can grant: what
/// the function does is tried instead.
#[tokio::test]
async fn check_takes_a_signature_for_one_container_at_its_word() {
    let Some(azurite) = Azurite::get() else {
        return;
    };
    let fallback = Scripted::start([], accepting()).await;
    let with = |sas: String, container: &str| {
        let storage = format!("BlobEndpoint={};SharedAccessSignature={sas}", azurite.url);
        let mut settings = settings(&storage, fallback.address);
        settings.push(("ORDERS_CONTAINER", container.to_owned()));
        settings
    };
    let container = "checked-by-sas";
    let account = StorageAccount::from_connection_string(&azurite.connection_string()).unwrap();
    let client = http_client::build("test").unwrap();
    let blobs = AzureBlobs::new(&account, container, &client, Duration::from_secs(60)).unwrap();
    blobs.create_container().await.unwrap();
    for (permissions, code, said) in [
        (
            "rcw",
            Some(0),
            "a read was tried, a write was not; the signature ends at 2099-01-01T00:00:00Z",
        ),
        ("rwdl", Some(0), "a read was tried, a write was not"),
        (
            "rc",
            Some(0),
            "WITHOUT OVERWRITING (the signature's permissions are sp=rc)",
        ),
        (
            "cw",
            Some(0),
            "WITHOUT READING (the signature's permissions are sp=cw)",
        ),
        ("w", Some(0), "nothing was tried; WITHOUT READING"),
        ("r", UNAVAILABLE, "FAILED: "),
        (
            "rdl",
            UNAVAILABLE,
            "no order can be written; expected r, w and c",
        ),
    ] {
        let sas = azurite.container_sas(container, permissions);
        let checked = run(&["--check"], &with(sas, container)).await;
        assert_checked(&checked, code, said, REACHED);
        assert!(!checked.stdout.contains("sig="), "{checked:?}");
    }
    let elsewhere = azurite.container_sas("another-container", "rcw");
    let refused = run(&["--check"], &with(elsewhere, container)).await;
    assert_checked(&refused, UNAVAILABLE, "FAILED: ", REACHED);
    let forged = azurite
        .container_sas(container, "cw")
        .replace("sig=", "sig=x");
    let refused = run(&["--check"], &with(forged, container)).await;
    assert_checked(&refused, UNAVAILABLE, "403 Auth", REACHED);
    let missing = "checked-and-missing";
    let sas = azurite.container_sas(missing, "rcw");
    let refused = run(&["--check"], &with(sas, missing)).await;
    assert_checked(
        &refused,
        UNAVAILABLE,
        "is missing, and this signature cannot create it",
        REACHED,
    );
    let of_account = run(&["--check"], &with(azurite.sas("rwc"), missing)).await;
    assert_checked(
        &of_account,
        Some(0),
        "missing; the first order creates it",
        REACHED,
    );
}

/// Answers to the one request, under which signature: exit code, and what is said.
fn answers() -> Vec<(Vec<Step>, &'static str, Option<i32>, &'static str)> {
    let no_permission = || {
        refusing(
            "403 This request is not authorized",
            "AuthorizationPermissionMismatch",
        )
    };
    vec![
        (
            refusing("404 Not Found", "BlobNotFound"),
            "sr=c&sp=rcw&sig=x",
            Some(0),
            "a read was tried, a write was not",
        ),
        (
            refusing("404 Not Found", "BlobNotFound"),
            "sr=c&si=policy&sig=x",
            Some(0),
            "a read was tried",
        ),
        (
            answering("200 OK", "ETag: \"x\"\r\n"),
            "sr=c&sp=rcw&sig=x",
            Some(0),
            "a read was tried",
        ),
        (
            refusing("404 Not Found", "ContainerNotFound"),
            "srt=sco&sp=rcw&sig=x",
            Some(0),
            "the first order creates it",
        ),
        (
            refusing("404 Not Found", "ContainerNotFound"),
            "srt=o&sp=rcw&sig=x",
            UNAVAILABLE,
            "cannot create it",
        ),
        (
            refusing("404 Not Found", "ContainerNotFound"),
            "sr=c&sp=rcw&sig=x",
            UNAVAILABLE,
            "cannot create it",
        ),
        (
            no_permission(),
            "sr=c&sp=cw&sig=x",
            Some(0),
            "WITHOUT READING",
        ),
        (
            no_permission(),
            "sr=c&sp=rcw&sig=x",
            UNAVAILABLE,
            "403 AuthorizationPermissionMismatch",
        ),
        (
            no_permission(),
            "sr=c&si=policy&sig=x",
            UNAVAILABLE,
            "403 AuthorizationPermissionMismatch",
        ),
        (
            refusing("403 Forbidden", "AuthenticationFailed"),
            "sr=c&sp=cw&sig=x",
            UNAVAILABLE,
            "403 AuthenticationFailed",
        ),
    ]
}

/// The same by script: what is asked, and what each answer means.
#[tokio::test]
async fn check_asks_for_a_blob_that_no_session_has() {
    let fallback = Scripted::start([], accepting()).await;
    let signed = |storage: &Scripted, query: &str| {
        format!(
            "BlobEndpoint=http://{}/orders-account;SharedAccessSignature={query}",
            storage.address
        )
    };
    for (answer, query, code, said) in answers() {
        let storage = Scripted::start([], answer).await;
        let checked = run(
            &["--check"],
            &settings(&signed(&storage, query), fallback.address),
        )
        .await;
        assert_checked(&checked, code, said, REACHED);
        let seen = storage.received();
        assert_eq!(seen.len(), 1, "asked once");
        assert_eq!(seen[0].method(), "HEAD");
        let target = seen[0].target();
        let path = target.split('?').next().unwrap_or_default();
        assert!(
            path.starts_with("/orders-account/orders/") && !path.ends_with(".json"),
            "{target}"
        );
    }
}
