//! Whether the host is asked to stop: then nothing more is received, and what is in flight may end.

use tokio::sync::watch;

/// A wish that is uttered once; clones hear of it.
#[derive(Debug, Clone)]
pub(super) struct Stopping(watch::Sender<bool>);

impl Stopping {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn begun(&self) {
        let mut begun = self.0.subscribe();
        // The sender lives as long as `self`: there is no error to see.
        begun.wait_for(|begun| *begun).await.ok();
    }
}
