//! Waiting for what is bound to happen.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Ends a broken run, and is no expectation: on a busy machine everything may take its time.
const PATIENCE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(1);

/// Waits for `future`; in vain, the test fails with what it waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// Waits until `holds` does.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let polling = async {
        while !holds() {
            sleep(POLL).await;
        }
    };
    within(what, polling).await;
}

/// Waits until `holds` does, which has to ask somebody each time.
pub async fn until_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let polling = async {
        while !holds().await {
            sleep(POLL).await;
        }
    };
    within(what, polling).await;
}
