//! Watches the stack during the run: what it forgets when it is killed was seen before, or most of it.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::sleep;

use super::LoadError;
use super::api::Dashboard;
use super::evidence::{Mailed, Write};

const PAUSE: Duration = Duration::from_millis(300);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) writes: Vec<Write>,
    pub(super) mailed: Vec<Mailed>,
    etags: HashSet<(String, String)>,
    /// How many writes the stack has told in its present life, and the version of the last one.
    told: usize,
    last: Option<String>,
    /// How often it began a new history.
    pub(super) restarts: usize,
    container: String,
}

impl Seen {
    /// Nothing yet; writes from now on count.
    pub(super) async fn from_now_on(dashboard: &Dashboard) -> Result<Self, LoadError> {
        let history = dashboard.history(0).await?;
        Ok(Self {
            told: history.len(),
            last: history.last().map(|entry| entry.etag.clone()),
            etags: history
                .into_iter()
                .map(|entry| (entry.container, entry.etag))
                .collect(),
            container: dashboard.places.now().container.clone(),
            ..Self::default()
        })
    }

    /// Looks once. How many new writes there were.
    pub(super) async fn look(&mut self, dashboard: &Dashboard) -> Result<usize, LoadError> {
        // One more than is new: when the one before is another, the history began anew.
        let mut entries = dashboard.history(self.told.saturating_sub(1)).await?;
        let anew = self.told > 0 && entries.first().map(|entry| &entry.etag) != self.last.as_ref();
        if anew {
            self.restarts += 1;
            self.told = 0;
            entries = dashboard.history(0).await?;
        } else if self.told > 0 {
            entries.remove(0);
        }
        self.told += entries.len();
        if let Some(last) = entries.last() {
            self.last = Some(last.etag.clone());
        }
        let before = self.writes.len();
        for entry in entries {
            let new = self
                .etags
                .insert((entry.container.clone(), entry.etag.clone()));
            if new && entry.container == self.container {
                self.writes.push(entry.into());
            }
        }
        for mailed in dashboard.handed_over().await? {
            if !self.mailed.contains(&mailed) {
                self.mailed.push(mailed);
            }
        }
        Ok(self.writes.len() - before)
    }
}

/// Looks again and again until `end` is told. What fails is tried at the next look.
pub(super) async fn run(mut seen: Seen, dashboard: Dashboard, mut end: Receiver<bool>) -> Seen {
    loop {
        seen.look(&dashboard).await.ok();
        tokio::select! {
            () = sleep(PAUSE) => {}
            // An error means that the run is gone.
            _ = end.changed() => return seen,
        }
    }
}
