//! A time limit that may be absent, as in host.json.

use std::time::Duration;

use tokio::time::timeout;

/// What the future returns, or `None` when the limit passes first.
pub(super) async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
