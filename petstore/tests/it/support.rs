//! What the tests share: a bus, a shop, a shopper.

pub(crate) mod broker;
pub(crate) mod bus;
pub(crate) mod instance;
pub(crate) mod scripted;
pub(crate) mod shop;
pub(crate) mod shopper;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Below the target folder, empty, and this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let own = format!("petstore-{name}-{}-{number}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(own);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// [`until`], on this thread.
pub(crate) fn until_blocking(what: &str, mut happened: impl FnMut() -> bool) {
    on_this_thread(until(what, async || happened()));
}

/// Lets others go on.
pub(crate) fn rest(milliseconds: u64) {
    on_this_thread(async { tokio::time::sleep(Duration::from_millis(milliseconds)).await });
}

fn on_this_thread(wait: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(wait);
}

/// Waits for something that is bound to happen; the limit only ends a broken run.
pub(crate) async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happened().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(40);
    tokio::time::timeout(limit, wait)
        .await
        .unwrap_or_else(|_| panic!("it never happened: {what}"));
}
