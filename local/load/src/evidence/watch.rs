//! Watches the stack during the run: what it forgets when it is killed was seen before, or most of it.

use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::seen::Seen;
use crate::LoadError;
use crate::access::{Access, Dashboard};

const PAUSE: Duration = Duration::from_millis(300);

/// Watching, since before the first message.
#[derive(Debug)]
pub(crate) struct Watch {
    end: Sender<bool>,
    watching: JoinSet<Seen>,
}

impl Watch {
    pub(crate) async fn begin(access: &Access) -> Result<Self, LoadError> {
        let names_before = access.blobs.names().await?;
        let mut seen = Seen::from_now_on(&access.dashboard).await?;
        seen.names_before = names_before;
        let end = Sender::new(false);
        let mut watching = JoinSet::new();
        watching.spawn(run(seen, access.dashboard.clone(), end.subscribe()));
        Ok(Self { end, watching })
    }

    /// What was seen.
    pub(crate) async fn end(mut self) -> Result<Seen, LoadError> {
        self.end.send_replace(true);
        let gone = |problem: String| LoadError::Part {
            part: "the watch over the run".to_owned(),
            problem,
        };
        match self.watching.join_next().await {
            Some(seen) => seen.map_err(|error| gone(error.to_string())),
            None => Err(gone("it is not there".to_owned())),
        }
    }
}

/// Looks again and again until `end` is told. What fails is tried at the next look.
async fn run(mut seen: Seen, dashboard: Dashboard, mut end: Receiver<bool>) -> Seen {
    loop {
        seen.look(&dashboard).await.ok();
        tokio::select! {
            () = sleep(PAUSE) => {}
            // An error means that the run is gone.
            _ = end.changed() => return seen,
        }
    }
}
