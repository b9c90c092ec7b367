//! Where the stack is: `.local/stack.json` of a running one, or addresses given by hand.

mod places;

use std::path::Path;

use serde::Deserialize;

pub use places::Places;
use stand_in::{AccessKey, Connection, ConnectionError};

/// Addresses, without a slash at their end; absent is what the stack does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Addresses {
    /// The queue: `http://127.0.0.1:5300/order-items`.
    pub queue: Option<String>,
    /// The storage account: `http://127.0.0.1:10000/devstoreaccount1`.
    pub blobs: Option<String>,
    /// The container of the orders.
    pub container: Option<String>,
    /// The dashboard, with its API.
    pub dashboard: Option<String>,
    /// The storefront.
    pub petstore: Option<String>,
    /// The queue's connection string.
    pub connection: Option<String>,
}

impl Addresses {
    /// These, and where they say nothing, the others.
    fn or(self, others: Self) -> Self {
        Self {
            queue: self.queue.or(others.queue),
            blobs: self.blobs.or(others.blobs),
            container: self.container.or(others.container),
            dashboard: self.dashboard.or(others.dashboard),
            petstore: self.petstore.or(others.petstore),
            connection: self.connection.or(others.connection),
        }
    }
}

/// The stack cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Neither file nor option names a part.
    #[error(
        "where is the {part}? {file} does not say: start the stack with cargo local, or give --{part} URL"
    )]
    Unknown {
        /// The part, as its option is called.
        part: &'static str,
        /// The file that was read.
        file: String,
    },
    /// The file is no `stack.json`.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The connection string is unusable.
    #[error("the queue's connection string: {0}")]
    Connection(#[from] ConnectionError),
}

/// The parts a load run needs.
#[derive(Debug, Clone)]
pub struct Target {
    /// The queue.
    pub queue: String,
    /// The storage account.
    pub blobs: String,
    /// The container of the orders.
    pub container: String,
    /// The dashboard.
    pub dashboard: String,
    /// The storefront, where there is one.
    pub petstore: Option<String>,
    /// Signs tokens for the queue; without it requests go unsigned.
    pub key: Option<AccessKey>,
}

/// What is given by hand goes before what `file` says.
fn read(file: &Path, by_hand: &Addresses) -> Result<Target, TargetError> {
    let shown = file.display().to_string();
    let kept = match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| TargetError::File {
            file: shown.clone(),
            source,
        })?,
        // No file, no running stack: everything has to come by hand.
        Err(_) => Addresses::default(),
    };
    let addresses = by_hand.clone().or(kept);
    let needed = |address: Option<String>, part| {
        let address = address.ok_or(TargetError::Unknown {
            part,
            file: shown.clone(),
        })?;
        Ok::<_, TargetError>(address.trim_end_matches('/').to_owned())
    };
    let key = match &addresses.connection {
        Some(text) => Connection::parse(text)?.key,
        None => None,
    };
    Ok(Target {
        queue: needed(addresses.queue, "queue")?,
        blobs: needed(addresses.blobs, "blobs")?,
        container: addresses.container.unwrap_or_else(|| "orders".to_owned()),
        dashboard: needed(addresses.dashboard, "dashboard")?,
        petstore: addresses
            .petstore
            .map(|url| url.trim_end_matches('/').to_owned()),
        key,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

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
        let target = places.now();
        assert_eq!(target.queue, "http://q/order-items");
        assert_eq!(target.container, "orders");
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
}
