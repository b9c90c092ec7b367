//! `--check`: are the settings right, and do storage and fallback answer? Writes nothing.

use std::{process::ExitCode, time::Duration};

use azure_app::{http_client::root_cause, program::exit};
use tokio::time::timeout;

use crate::{
    config::Settings,
    fallback::logic_app::{Authorization, LogicApp},
    store::azure::AzureBlobs,
};

/// Time limit of each question: a person waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Asks `blobs` and `fallback`, and reports on standard output: [`ExitCode::SUCCESS`] when both
/// answer, else [`exit::UNAVAILABLE`].
pub async fn run(settings: &Settings, blobs: &AzureBlobs, fallback: &LogicApp) -> ExitCode {
    println!("settings  ok");
    let storage = check_storage(settings, blobs).await;
    let fallback = check_fallback(settings, fallback).await;
    if report("storage ", "ok", &storage) & report("fallback", "reachable", &fallback) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::UNAVAILABLE)
    }
}

fn report(what: &str, well: &str, finding: &Result<String, String>) -> bool {
    match finding {
        Ok(finding) => println!("{what}  {well}: {finding}"),
        Err(problem) => println!("{what}  FAILED: {problem}"),
    }
    finding.is_ok()
}

async fn check_storage(settings: &Settings, blobs: &AzureBlobs) -> Result<String, String> {
    let place = format!(
        "container {} at {}",
        settings.container,
        settings.storage.shown()
    );
    match timeout(ANSWER_TIMEOUT, blobs.container_exists()).await {
        Ok(Ok(true)) => Ok(place),
        Ok(Ok(false)) => Ok(format!("{place} is missing; the first order creates it")),
        Ok(Err(error)) => Err(format!("{place}: {error}")),
        Err(_) => Err(format!("{place}: no answer within {ANSWER_TIMEOUT:?}")),
    }
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
