//! `--check`: are the settings right, and do storage and fallback answer? Writes nothing.

use std::process::ExitCode;
use std::time::Duration;

use azure_app::http_client::root_cause;
use azure_app::program::{exit, report};
use storage_account::{Grant, StorageError};
use tokio::time::timeout;

use crate::config::Settings;
use crate::fallback::logic_app::{Authorization, LogicApp};
use crate::store::StoreError;
use crate::store::azure::AzureBlobs;

/// The signature is good, and grants less.
const NO_PERMISSION: &str = "AuthorizationPermissionMismatch";

/// Time limit of each question: a person waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// What cannot be seen from here, for the function has no way to the queue but its host.
const PARTITIONS: &str = "where it or its namespace is partitioned, each message needs the \
    session's id as SessionId (or PartitionKey): partitions number their messages apart";

/// Asks `blobs` and `fallback`, and reports on standard output: [`ExitCode::SUCCESS`] when both
/// answer, else [`exit::UNAVAILABLE`]. `spans` says where spans go.
pub async fn run(
    settings: &Settings,
    spans: &str,
    blobs: &AzureBlobs,
    fallback: &LogicApp,
) -> ExitCode {
    println!("settings  ok; {spans}");
    println!("queue     not looked at; {PARTITIONS}");
    let storage = check_storage(settings, blobs).await;
    let fallback = check_fallback(settings, fallback).await;
    if report("storage", "ok", &storage) & report("fallback", "reachable", &fallback) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::UNAVAILABLE)
    }
}

/// Asks for a blob, as the function does before it lets an order replace another. A write is not
/// tried, so of that a signature is taken at its word.
async fn check_storage(settings: &Settings, blobs: &AzureBlobs) -> Result<String, String> {
    let place = format!(
        "container {} at {}",
        settings.container,
        settings.storage.shown()
    );
    let grant = settings.storage.grant();
    let said =
        |grant: &Grant| format!("the signature's permissions are sp={}", grant.permissions());
    if let Some(grant) = grant.as_ref().filter(|grant| !grant.creates()) {
        let said = said(grant);
        return Err(format!(
            "{place}: {said}: no order can be written; expected r, w and c"
        ));
    }
    let found = match timeout(ANSWER_TIMEOUT, blobs.container_exists()).await {
        Ok(Ok(true)) => format!("{place}; a read was tried, a write was not"),
        Ok(Ok(false)) => match &grant {
            Some(grant) if !grant.creates_container() => {
                return Err(format!(
                    "{place} is missing, and this signature cannot create it"
                ));
            }
            _ => format!("{place} is missing; the first order creates it"),
        },
        // The service judges the signature first, so that it is one, for a place that is not told.
        Ok(Err(StoreError::Storage(StorageError::Refused {
            status: 403,
            code: Some(code),
            ..
        }))) if code == NO_PERMISSION && grant.as_ref().is_some_and(|grant| !grant.reads()) => {
            format!("{place}; nothing was tried")
        }
        Ok(Err(error)) => return Err(format!("{place}: {error}")),
        Err(_) => return Err(format!("{place}: no answer within {ANSWER_TIMEOUT:?}")),
    };
    let Some(grant) = grant else {
        return Ok(found);
    };
    let lacking = match (grant.reads(), grant.overwrites()) {
        (true, true) => String::new(),
        (false, _) => format!(
            "; WITHOUT READING ({}): which of two orders is newer cannot be found out, so that one that replaces \
             another goes to a person; expected r, w and c",
            said(&grant)
        ),
        (true, false) => format!(
            "; WITHOUT OVERWRITING ({}): an order that replaces another goes to a person; expected r, w and c",
            said(&grant)
        ),
    };
    let ends = grant
        .ends
        .map(|ends| format!("; the signature ends at {ends}"));
    Ok(format!("{found}{lacking}{}", ends.unwrap_or_default()))
}

/// Any answer will do, for only a real order may start the workflow: whether it would take one is
/// not known.
async fn check_fallback(settings: &Settings, fallback: &LogicApp) -> Result<String, String> {
    let origin = settings.fallback_url.origin();
    let granted = check_token(fallback).await?;
    match timeout(ANSWER_TIMEOUT, fallback.client.head(&origin).send()).await {
        Ok(Ok(_)) => Ok(format!("{origin} answers{granted} (no order was sent)")),
        Ok(Err(error)) => Err(format!("{origin}: {}", root_cause(&error))),
        Err(_) => Err(format!("{origin}: no answer within {ANSWER_TIMEOUT:?}")),
    }
}

/// The identity gets a token for the workflow, if it wants one. It stays here: who answers at
/// that address is not known yet.
async fn check_token(fallback: &LogicApp) -> Result<&'static str, String> {
    let Some(Authorization { credential, scope }) = &fallback.authorization else {
        return Ok("");
    };
    match credential.get_token(&[scope], None).await {
        Ok(_) => Ok(", and there is a token for it"),
        Err(error) => Err(format!("no token for {scope}: {}", root_cause(&error))),
    }
}
