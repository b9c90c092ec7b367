//! Where the stack is: `.local/stack.json` of a running one, or addresses given by hand.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use clap::Args;
use serde::Deserialize;
use stand_in::{AccessKey, Connection, ConnectionError};

// Options of `cargo local load`, and fields of `stack.json`: what is said here is the options'
// help. Absent is what the stack does not have.
#[allow(
    missing_docs,
    reason = "a comment on the struct would become the help of the command"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Args)]
#[command(next_help_heading = "Addresses [default: those of the stack that runs in this folder]")]
#[serde(default)]
pub struct Addresses {
    /// The queue: http://127.0.0.1:5300/order-items
    #[arg(long, value_name = "URL")]
    pub queue: Option<String>,
    /// The storage account: http://127.0.0.1:10000/devstoreaccount1
    #[arg(long, value_name = "URL")]
    pub blobs: Option<String>,
    // The query that lets one look at the blobs.
    #[arg(skip)]
    pub look_query: Option<String>,
    /// The container of the orders
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// The dashboard
    #[arg(long, value_name = "URL")]
    pub dashboard: Option<String>,
    /// The storefront; all its instances, divided by commas
    #[arg(long, value_name = "URL")]
    pub petstore: Option<String>,
    // Its instances, as `stack.json` has them.
    #[arg(skip)]
    pub petstores: Vec<String>,
    /// The queue's connection string: its key signs what is sent
    #[arg(long, value_name = "STRING")]
    pub connection: Option<String>,
}

impl Addresses {
    /// These, and where they say nothing, the others.
    fn or(self, others: Self) -> Self {
        Self {
            queue: self.queue.or(others.queue),
            look_query: match &self.blobs {
                Some(_) => self.look_query,
                None => others.look_query,
            },
            blobs: self.blobs.or(others.blobs),
            container: self.container.or(others.container),
            dashboard: self.dashboard.or(others.dashboard),
            petstores: match &self.petstore {
                Some(_) => self.petstores,
                None => others.petstores,
            },
            petstore: self.petstore.or(others.petstore),
            connection: self.connection.or(others.connection),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// Neither file nor option names a part.
    #[error(
        "where is the {part}? {file} does not say: start the stack with cargo local, or give --{part} URL"
    )]
    Unknown {
        /// As its option is called.
        part: &'static str,
        file: String,
    },
    /// The file is no `stack.json`.
    #[error("{file}: {source}")]
    File {
        file: String,
        source: serde_json::Error,
    },
    #[error("the queue's connection string: {0}")]
    Connection(#[from] ConnectionError),
}

/// The parts that a run needs. URLs, without a slash at their end.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub queue: String,
    pub blobs: String,
    /// What lets one look at them, where that needs a shared access signature.
    pub look_query: Option<String>,
    pub container: String,
    pub dashboard: String,
    /// The storefront's instances; shoppers spread over them.
    pub petstores: Vec<String>,
    /// Signs tokens for the queue; without it requests go unsigned.
    pub key: Option<AccessKey>,
}

/// What is given by hand goes before what `file` says.
fn read(file: &Path, by_hand: &Addresses) -> Result<Endpoints, PlacesError> {
    let shown = file.display().to_string();
    let kept = match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| PlacesError::File {
            file: shown.clone(),
            source,
        })?,
        // No file, no running stack: everything has to come by hand.
        Err(_) => Addresses::default(),
    };
    let addresses = by_hand.clone().or(kept);
    let needed = |address: Option<String>, part| {
        let address = address.ok_or(PlacesError::Unknown {
            part,
            file: shown.clone(),
        })?;
        Ok::<_, PlacesError>(address.trim_end_matches('/').to_owned())
    };
    let key = match &addresses.connection {
        Some(text) => Connection::parse(text)?.key,
        None => None,
    };
    let blobs = needed(addresses.blobs, "blobs")?;
    // By hand it comes with the address, as Azure's portal has it.
    let (blobs, signature) = match blobs.split_once('?') {
        Some((url, query)) => (url.trim_end_matches('/').to_owned(), Some(query.to_owned())),
        None => (blobs, None),
    };
    Ok(Endpoints {
        queue: needed(addresses.queue, "queue")?,
        blobs,
        look_query: addresses.look_query.or(signature),
        container: addresses.container.unwrap_or_else(|| "orders".to_owned()),
        dashboard: needed(addresses.dashboard, "dashboard")?,
        petstores: match addresses.petstores.is_empty() {
            true => addresses.petstore.as_deref().map(urls).unwrap_or_default(),
            false => addresses.petstores,
        },
        key,
    })
}

fn urls(list: &str) -> Vec<String> {
    let urls = list.split(',').map(|url| url.trim().trim_end_matches('/'));
    let urls = urls.filter(|url| !url.is_empty());
    urls.map(str::to_owned).collect()
}

/// Where the stack is now: one that was killed may come back on other ports. Clones look together.
#[derive(Debug, Clone)]
pub struct Places(Arc<PlacesState>);

#[derive(Debug)]
struct PlacesState {
    file: PathBuf,
    by_hand: Addresses,
    now: RwLock<Arc<Endpoints>>,
}

impl Places {
    /// What is given by hand goes before what `file` says.
    pub fn find(file: PathBuf, by_hand: Addresses) -> Result<Self, PlacesError> {
        let now = RwLock::new(Arc::new(read(&file, &by_hand)?));
        Ok(Self(Arc::new(PlacesState { file, by_hand, now })))
    }

    #[must_use]
    pub fn now(&self) -> Arc<Endpoints> {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now)
    }

    /// Looks again, after a part did not answer. A file that is away for the moment changes
    /// nothing.
    pub fn look_again(&self) {
        if let Ok(endpoints) = read(&self.0.file, &self.0.by_hand) {
            let mut now = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
            *now = Arc::new(endpoints);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_hand() -> Addresses {
        let text = |text: &str| Some(text.to_owned());
        Addresses {
            queue: text("http://q/order-items/"),
            blobs: text("http://b/account"),
            dashboard: text("http://d"),
            ..Addresses::default()
        }
    }

    #[test]
    fn what_is_given_by_hand_needs_no_file() {
        let places = Places::find(PathBuf::from("absent/stack.json"), by_hand()).expect("found");
        let now = places.now();
        assert_eq!(now.queue, "http://q/order-items");
        assert_eq!(now.container, "orders");
    }

    #[test]
    fn what_is_missing_is_named_with_its_option() {
        let incomplete = Addresses {
            blobs: None,
            ..by_hand()
        };
        let error = Places::find(PathBuf::from("absent/stack.json"), incomplete).expect_err("no");
        let said = error.to_string();
        assert!(
            said.contains("--blobs URL") && said.contains("absent/stack.json"),
            "{said}"
        );
    }

    #[test]
    fn a_stack_that_comes_back_elsewhere_is_found_again() {
        let folder = testkit::fixture::Folder::new();
        let file = folder.join("stack.json");
        let write = |port: u16| {
            let json = format!(
                r#"{{"pid":1,"queue":"http://q:{port}/o","blobs":"http://b","dashboard":"http://d","outbox":"http://o"}}"#
            );
            std::fs::write(&file, json).expect("written");
        };
        write(1);
        let places = Places::find(file.clone(), Addresses::default()).expect("found");
        write(2);
        places.look_again();
        assert_eq!(places.now().queue, "http://q:2/o");
        std::fs::remove_file(&file).expect("removed");
        places.look_again();
        assert_eq!(places.now().queue, "http://q:2/o", "kept while it is away");
    }
}
