//! `--check` looks, and writes nothing.

use blob::BlobEndpoint;
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
