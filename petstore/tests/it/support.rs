//! What the tests share: a bus, a shop, a shopper.

pub(crate) mod broker;
pub(crate) mod bus;
pub(crate) mod instance;
pub(crate) mod shop;
pub(crate) mod shopper;

use std::time::Duration;

use tokio::time::sleep;

/// [`testkit::until`], on this thread.
pub(crate) fn until_blocking(what: &str, happened: impl FnMut() -> bool) {
    on_this_thread(testkit::until(what, happened));
}

/// Lets others go on.
pub(crate) fn rest(milliseconds: u64) {
    on_this_thread(async { sleep(Duration::from_millis(milliseconds)).await });
}

fn on_this_thread(wait: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(wait);
}
