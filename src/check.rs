//! `--check`: are the settings right, and do storage and fallback answer? Writes nothing.

use std::{process::ExitCode, time::Duration};

use azure_app::{http_client::root_cause, program::exit};
use tokio::time::timeout;

use crate::{config::Settings, store::azure::AzureBlobs};

const LIMIT: Duration = Duration::from_secs(15);

/// Reports on standard output; 0 when all is well.
pub async fn run(settings: &Settings, blobs: &AzureBlobs, client: &reqwest::Client) -> ExitCode {
    println!("settings  ok");
    let storage = storage(settings, blobs).await;
    let fallback = fallback(settings, client).await;
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

async fn storage(settings: &Settings, blobs: &AzureBlobs) -> Result<String, String> {
    let place = format!(
        "container {} at {}",
        settings.container,
        settings.storage.shown()
    );
    match timeout(LIMIT, blobs.container_exists()).await {
        Ok(Ok(true)) => Ok(place),
        Ok(Ok(false)) => Ok(format!("{place} is missing; the first order creates it")),
        Ok(Err(error)) => Err(format!("{place}: {error}")),
        Err(_) => Err(format!("{place}: no answer within {LIMIT:?}")),
    }
}

/// Any answer will do, for only a real order may start the workflow: whether it would take one is
/// not known.
async fn fallback(settings: &Settings, client: &reqwest::Client) -> Result<String, String> {
    let origin = settings.fallback_url.origin();
    let granted = token(settings, client).await?;
    match timeout(LIMIT, client.head(&origin).send()).await {
        Ok(Ok(_)) => Ok(format!("{origin} answers{granted} (no order was sent)")),
        Ok(Err(error)) => Err(format!("{origin}: {}", root_cause(&error))),
        Err(_) => Err(format!("{origin}: no answer within {LIMIT:?}")),
    }
}

/// The identity gets a token for the workflow, if it wants one. It stays here: who answers at
/// that address is not known yet.
async fn token(settings: &Settings, client: &reqwest::Client) -> Result<&'static str, String> {
    let Some(scope) = &settings.fallback_token_scope else {
        return Ok("");
    };
    let fetched = async {
        let credential = settings.identity.credential(client)?;
        credential.get_token(&[scope], None).await
    };
    match fetched.await {
        Ok(_) => Ok(", and there is a token for it"),
        Err(error) => Err(format!("no token for {scope}: {}", root_cause(&error))),
    }
}
