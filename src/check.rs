//! `--check`: are the settings right, and do storage and fallback answer? Writes nothing.

use std::{process::ExitCode, time::Duration};

use tokio::time::timeout;

use crate::{config::Settings, http_client::root_cause, store::azure::AzureBlobs};

/// `EX_UNAVAILABLE` of `sysexits.h`.
const UNAVAILABLE: u8 = 69;

const LIMIT: Duration = Duration::from_secs(15);

/// Reports on standard output; 0 when all is well.
pub async fn run(settings: &Settings, blobs: &AzureBlobs, client: &reqwest::Client) -> ExitCode {
    println!("settings  ok");
    let storage = storage(settings, blobs).await;
    let fallback = fallback(settings, client).await;
    if report("storage ", &storage) & report("fallback", &fallback) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNAVAILABLE)
    }
}

fn report(what: &str, finding: &Result<String, String>) -> bool {
    match finding {
        Ok(finding) => println!("{what}  ok: {finding}"),
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

/// Any answer will do: only a real order may start the workflow.
async fn fallback(settings: &Settings, client: &reqwest::Client) -> Result<String, String> {
    let origin = settings.fallback_url.origin();
    match timeout(LIMIT, client.head(&origin).send()).await {
        Ok(Ok(_)) => Ok(format!("{origin} answers")),
        Ok(Err(error)) => Err(format!("{origin}: {}", root_cause(&error))),
        Err(_) => Err(format!("{origin}: no answer within {LIMIT:?}")),
    }
}
