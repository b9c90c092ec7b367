//! What can be seen of a stack from outside: during the run, since what a stack forgets when it is
//! killed was seen before, or most of it; until it is at rest; and all that is there in the end.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::access::{Access, Counts, Dashboard};
use crate::evidence::{Evidence, Mailed, Sent, Waiting, Write, blob_name};
use crate::rest::{Look, Patience};
use crate::{LoadError, rest};

const PAUSE: Duration = Duration::from_millis(300);

/// An attempt that was given up may still be on its way to the storage.
const CALM: Duration = Duration::from_millis(600);

/// Whose messages wait is looked up while they are so many at most: each look lists all of them,
/// bodies included.
const LISTED_MAX: u64 = 200;

/// At work since before the first message.
#[derive(Debug)]
pub(crate) struct Observer {
    end: Sender<bool>,
    observing: JoinSet<Observed>,
}

impl Observer {
    pub(crate) async fn begin(access: &Access) -> Result<Self, LoadError> {
        let names_before = access.blobs.names().await?;
        let mut observed = Observed::from_now_on(&access.dashboard).await?;
        observed.names_before = names_before;
        let end = Sender::new(false);
        let mut observing = JoinSet::new();
        observing.spawn(observe(observed, access.dashboard.clone(), end.subscribe()));
        Ok(Self { end, observing })
    }

    pub(crate) async fn end(mut self) -> Result<Observed, LoadError> {
        self.end.send_replace(true);
        let gone = |problem: String| LoadError::Part {
            part: "the watch over the run".to_owned(),
            problem,
        };
        match self.observing.join_next().await {
            Some(observed) => observed.map_err(|error| gone(error.to_string())),
            None => Err(gone("it is not there".to_owned())),
        }
    }
}

/// Looks again and again until `end` is told. What fails is tried at the next look.
async fn observe(
    mut observed: Observed,
    dashboard: Dashboard,
    mut end: Receiver<bool>,
) -> Observed {
    loop {
        observed.look(&dashboard).await.ok();
        tokio::select! {
            () = sleep(PAUSE) => {}
            // An error means that the run is gone.
            _ = end.changed() => return observed,
        }
    }
}

/// What was seen so far: writes of blobs, and mails.
#[derive(Debug, Default)]
pub(crate) struct Observed {
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

impl Observed {
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

    /// Looks at every mail again: however the stack counts them after a restart, none is
    /// overlooked.
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

    /// Waits until nothing of `ours`, which are sessions, waits and is written any more, or nothing
    /// has changed for `limit`. Whether the stack is at rest, as far as we are concerned: a shopper
    /// who goes on clicking does not hold the run up.
    pub(crate) async fn settle(
        &mut self,
        access: &Access,
        ours: &BTreeSet<String>,
        limit: Duration,
        tell: impl Fn(u64),
    ) -> Result<bool, LoadError> {
        let names: BTreeSet<String> = ours.iter().map(|session| blob_name(session)).collect();

        let patience = Patience { calm: CALM, limit };
        rest::settle(patience, async || {
            let waiting = waiting(access, ours).await;
            self.look(&access.dashboard).await?;
            let waiting = waiting?;
            tell(waiting);
            let writes = self.writes.iter();
            let ours = writes.filter(|write| names.contains(&write.name));
            Ok(Look {
                waiting,
                progress: (waiting, ours.count()),
            })
        })
        .await
    }
}

/// How many messages of `ours` wait; of many, all are taken for ours.
async fn waiting(access: &Access, ours: &BTreeSet<String>) -> Result<u64, LoadError> {
    let Counts { active, .. } = access.bus.counts().await?;
    if active == 0 || active > LISTED_MAX {
        return Ok(active);
    }
    let all = access.dashboard.messages().await?;
    let is_ours = |one: &&Waiting| one.session.as_ref().is_some_and(|it| ours.contains(it));
    Ok(u64::try_from(all.iter().filter(is_ours).count()).unwrap_or(u64::MAX))
}

/// Everything the judge needs.
pub(crate) async fn evidence(
    sent: Vec<Sent>,
    access: &Access,
    mut observed: Observed,
) -> Result<Evidence, LoadError> {
    let Access {
        dashboard, blobs, ..
    } = access;
    // What waits is read first: a message that is settled meanwhile then shows in two places, never
    // in none.
    let (queued, dead) = (dashboard.messages().await?, dashboard.dead_letters().await?);
    let names_after = blobs.names().await?;
    let mut names: BTreeSet<String> = sent.iter().map(|sent| blob_name(&sent.session)).collect();
    // Something of ours may have got into a blob of others.
    names.extend(names_after.difference(&observed.names_before).cloned());
    let found = blobs.read_all(names).await?;
    let later = observed.look(dashboard).await?;
    observed.look_at_all_mails(dashboard).await?;
    let blobs: BTreeMap<_, _> = found
        .into_iter()
        .map(|(name, (blob, _))| (name, blob))
        .collect();
    Ok(Evidence {
        sent,
        // A write in this very moment makes the last write another one than was read.
        writes_are_complete: observed.restarts == 0 && later == 0,
        writes: observed.writes,
        alone: false,
        blobs,
        names_before: observed.names_before,
        names_after,
        mailed: observed.mailed,
        queued,
        dead,
    })
}

#[cfg(test)]
mod tests {
    //! A dashboard that forgets, and what is seen of it all the same.

    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use axum::extract::{RawQuery, State};
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::places::{Addresses, Places};

    type Told = Arc<Mutex<Vec<Value>>>;

    async fn history(State(told): State<Told>, RawQuery(query): RawQuery) -> Json<Vec<Value>> {
        let query = query.expect("a query");
        let skip = query
            .strip_prefix("after=")
            .expect("after")
            .parse()
            .expect("a number");
        Json(
            told.lock()
                .expect("told")
                .iter()
                .skip(skip)
                .cloned()
                .collect(),
        )
    }

    /// A dashboard that tells what `told` has, as long as the set lives.
    async fn scripted(told: Told) -> (Dashboard, JoinSet<()>) {
        let router = Router::new()
            .route("/api/blobs/history", get(history))
            .route("/api/handed-over", get(|| async { Json(json!([])) }))
            .with_state(told);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, router).await.expect("served") });
        let addresses = Addresses {
            queue: Some("http://q".to_owned()),
            blobs: Some("http://b".to_owned()),
            dashboard: Some(url),
            ..Addresses::default()
        };
        let places = Places::find(PathBuf::from("absent"), addresses).expect("found");
        let access = Access::to(&places).expect("a client");
        (access.dashboard, serving)
    }

    fn write(number: u32) -> Value {
        json!({"container": "orders", "name": "S.json", "etag": number.to_string(), "length": 0,
            "at": "2026-05-04T09:30:10Z", "sha256": "", "metadata": {}})
    }

    #[tokio::test]
    async fn writes_are_seen_once_and_a_new_life_of_the_stack_is_noticed() {
        let told = Told::default();
        let tell = |numbers: &[u32]| {
            *told.lock().expect("told") = numbers.iter().copied().map(write).collect();
        };
        let (dashboard, _serving) = scripted(Arc::clone(&told)).await;
        tell(&[1, 2]);
        let mut observed = Observed::from_now_on(&dashboard).await.expect("observed");
        tell(&[1, 2, 3]);
        assert_eq!(observed.look(&dashboard).await.expect("a look"), 1);
        assert_eq!(observed.look(&dashboard).await.expect("a look"), 0);
        assert_eq!(observed.restarts, 0);

        // Killed; as many writes again, and then more than before.
        tell(&[4, 5, 6]);
        assert_eq!(observed.look(&dashboard).await.expect("a look"), 3);
        tell(&[7, 8, 9, 10, 11]);
        assert_eq!(observed.look(&dashboard).await.expect("a look"), 5);
        assert_eq!(observed.restarts, 2);
        let etags: Vec<&str> = observed
            .writes
            .iter()
            .map(|write| write.etag.as_str())
            .collect();
        assert_eq!(etags, ["3", "4", "5", "6", "7", "8", "9", "10", "11"]);
    }
}
