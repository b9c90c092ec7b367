//! What a look at the stack shows that the looks before did not: writes of blobs, and mails.

use std::collections::{BTreeSet, HashSet};

use super::{Mailed, Write};
use crate::LoadError;
use crate::access::Dashboard;

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) writes: Vec<Write>,
    pub(crate) mailed: Vec<Mailed>,
    /// Every blob's name before the first message.
    pub(crate) names_before: BTreeSet<String>,
    etags: HashSet<(String, String)>,
    mails: HashSet<Mailed>,
    /// How many mails the stack has told in its present life.
    mails_told: usize,
    /// How many writes the stack has told in its present life, and the version of the last one.
    told: usize,
    last: Option<String>,
    /// How often it began a new history.
    pub(crate) restarts: usize,
    container: String,
}

impl Seen {
    /// Nothing yet; writes from now on count.
    pub(crate) async fn from_now_on(dashboard: &Dashboard) -> Result<Self, LoadError> {
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
    pub(crate) async fn look(&mut self, dashboard: &Dashboard) -> Result<usize, LoadError> {
        // One more than is new: when the one before is another, the history began anew.
        let mut entries = dashboard.history(self.told.saturating_sub(1)).await?;
        let anew = self.told > 0 && entries.first().map(|entry| &entry.etag) != self.last.as_ref();
        if anew {
            self.restarts += 1;
            (self.told, self.mails_told) = (0, 0);
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
        let mails = dashboard.handed_over(self.mails_told).await?;
        self.mails_told += mails.len();
        self.keep(mails);
        Ok(self.writes.len() - before)
    }

    /// Looks at every mail again: however the stack counts them after a restart, none is overlooked.
    pub(crate) async fn look_at_all_mails(
        &mut self,
        dashboard: &Dashboard,
    ) -> Result<(), LoadError> {
        let mails = dashboard.handed_over(0).await?;
        self.keep(mails);
        Ok(())
    }

    fn keep(&mut self, mails: Vec<Mailed>) {
        for mailed in mails {
            if self.mails.insert(mailed.clone()) {
                self.mailed.push(mailed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
