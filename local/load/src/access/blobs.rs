//! The blobs as anyone can read them: a list of names, and each with its metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use tokio::task::JoinSet;

use super::cause;
use crate::LoadError;
use crate::evidence::{Blob, Mark, sha256};
use crate::places::Places;

const PATIENCE: Duration = Duration::from_secs(30);

/// Reads at once: enough to be quick, too few to be a load of its own.
const READS_MAX: usize = 16;

/// The storage account, from outside.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    pub(crate) places: Places,
    pub(crate) client: reqwest::Client,
}

impl Blobs {
    /// Every blob's name in the container of the orders; none when there is no such container.
    pub(crate) async fn names(&self) -> Result<BTreeSet<String>, LoadError> {
        let mut names = BTreeSet::new();
        let mut marker = String::new();
        loop {
            let page = self
                .get(&format!("?restype=container&comp=list&marker={marker}"))
                .await?;
            let Some(page) = page else { return Ok(names) };
            let text = page
                .text()
                .await
                .map_err(|error| self.problem(cause(&error)))?;
            names.extend(elements(&text, "Name"));
            match elements(&text, "NextMarker")
                .pop()
                .filter(|marker| !marker.is_empty())
            {
                Some(next) => marker = next,
                None => return Ok(names),
            }
        }
    }

    /// A blob with its content, if there is one of this name.
    pub(crate) async fn read(&self, name: &str) -> Result<Option<(Blob, Vec<u8>)>, LoadError> {
        let Some(answer) = self.get(&format!("/{name}")).await? else {
            return Ok(None);
        };
        let headers = answer.headers().clone();
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let bytes = answer
            .bytes()
            .await
            .map_err(|error| self.problem(cause(&error)))?;
        let blob = Blob {
            etag: text("etag").unwrap_or_default(),
            sha256: sha256(&bytes),
            mark: Mark::read(|name| text(&format!("x-ms-meta-{name}"))),
        };
        Ok(Some((blob, bytes.to_vec())))
    }

    /// Those of `names` that there are.
    pub(crate) async fn read_all(
        &self,
        names: BTreeSet<String>,
    ) -> Result<BTreeMap<String, (Blob, Vec<u8>)>, LoadError> {
        let mut reading = JoinSet::new();
        let mut found = BTreeMap::new();
        let mut left = names.into_iter();
        loop {
            while reading.len() < READS_MAX {
                let Some(name) = left.next() else { break };
                let blobs = self.clone();
                reading.spawn(async move { (blobs.read(&name).await, name) });
            }
            match reading.join_next().await {
                None => return Ok(found),
                Some(Ok((blob, name))) => {
                    if let Some(blob) = blob? {
                        found.insert(name, blob);
                    }
                }
                Some(Err(error)) => return Err(self.problem(error.to_string())),
            }
        }
    }

    async fn get(&self, path: &str) -> Result<Option<Response>, LoadError> {
        let endpoints = self.places.now();
        let mut url = format!("{}/{}{path}", endpoints.blobs, endpoints.container);
        if let Some(query) = &endpoints.look_query {
            url.push(if path.contains('?') { '&' } else { '?' });
            url.push_str(query);
        }
        let sent = self.client.get(url).timeout(PATIENCE).send().await;
        let answer = sent.map_err(|error| {
            self.places.look_again();
            self.problem(cause(&error))
        })?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.problem(format!("{path}: {status}"))),
        }
    }

    fn problem(&self, problem: String) -> LoadError {
        let endpoints = self.places.now();
        LoadError::Part {
            part: format!("the blobs at {}/{}", endpoints.blobs, endpoints.container),
            problem,
        }
    }
}

/// The contents of every element that is called so. Names of orders need no unescaping.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(&close)?.0.to_owned()))
        .collect()
}
