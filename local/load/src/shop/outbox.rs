//! What the storefront says of its outbox.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::access::{Access, cause};

/// Changes that the storefront has not delivered yet.
pub(super) async fn pending(access: &Access) -> Result<u64, LoadError> {
    let target = access.places.now();
    let shop = target.petstore.as_deref().unwrap_or_default();
    let problem = |problem: String| LoadError::Part {
        part: format!("the storefront at {shop}/health"),
        problem,
    };
    let request = access
        .client
        .get(format!("{shop}/health"))
        .timeout(Duration::from_secs(10));
    let answer = request.send().await.map_err(|error| {
        access.places.look_again();
        problem(cause(&error))
    })?;
    let text = answer
        .text()
        .await
        .map_err(|error| problem(cause(&error)))?;
    let health: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    let pending = health
        .pointer("/outbox/pending")
        .and_then(serde_json::Value::as_u64);
    pending.ok_or_else(|| problem("expected outbox.pending".to_owned()))
}

/// Waits until nothing is pending, or nothing has changed for `limit`; what is left.
pub(super) async fn drained(access: &Access, limit: Duration) -> Result<u64, LoadError> {
    let (mut progress, mut last) = (Instant::now(), u64::MAX);
    loop {
        match pending(access).await {
            Ok(0) => return Ok(0),
            Ok(now) if now != last => (progress, last) = (Instant::now(), now),
            Ok(now) if progress.elapsed() > limit => return Ok(now),
            Err(error) if progress.elapsed() > limit => return Err(error),
            _ => {}
        }
        sleep(Duration::from_millis(200)).await;
    }
}
