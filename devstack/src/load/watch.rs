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
    mails: HashSet<Mailed>,
    /// How many mails the stack has told in its present life.
    mails_told: usize,
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
    pub(super) async fn look_at_all_mails(
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use axum::extract::{RawQuery, State};
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::load::target::{Addresses, Places};

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
        let client = crate::http_client::builder()
            .expect("TLS")
            .build()
            .expect("a client");
        (Dashboard { places, client }, serving)
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
        let mut seen = Seen::from_now_on(&dashboard).await.expect("seen");
        tell(&[1, 2, 3]);
        assert_eq!(seen.look(&dashboard).await.expect("a look"), 1);
        assert_eq!(seen.look(&dashboard).await.expect("a look"), 0);
        assert_eq!(seen.restarts, 0);

        // Killed; as many writes again, and then more than before.
        tell(&[4, 5, 6]);
        assert_eq!(seen.look(&dashboard).await.expect("a look"), 3);
        tell(&[7, 8, 9, 10, 11]);
        assert_eq!(seen.look(&dashboard).await.expect("a look"), 5);
        assert_eq!(seen.restarts, 2);
        let etags: Vec<&str> = seen
            .writes
            .iter()
            .map(|write| write.etag.as_str())
            .collect();
        assert_eq!(etags, ["3", "4", "5", "6", "7", "8", "9", "10", "11"]);
    }
}
