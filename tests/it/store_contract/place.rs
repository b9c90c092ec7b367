//! The servers under test, and a stranger's view of what is stored there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use azure_app::http_client;
use blob::{BlobEndpoint, Conditions, Upload};
use order_items_reserver::store::azure::AzureBlobs;
use order_items_reserver::store::blob::{BlobService as _, BlobStore};
use testkit::net::listener;

use super::blobs;
use crate::support::Azurite;

/// A container that does not exist yet, on a server under test.
pub(super) struct Place {
    pub(super) server: Server,
    pub(super) container: String,
}

pub(super) enum Server {
    Azurite(&'static Azurite),
    Embedded(BlobEndpoint),
}

/// A blob as anybody sees it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) etag: String,
}

impl Place {
    /// `None` where there is no Azurite. All checks share the one of the process.
    pub(super) async fn azurite() -> Option<Self> {
        static CONTAINERS: AtomicU32 = AtomicU32::new(0);
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            server: Server::Azurite(Azurite::get()?),
            container: format!("contract-{number}"),
        })
    }

    pub(super) async fn embedded() -> Option<Self> {
        let endpoint = BlobEndpoint::start(listener().await).unwrap();
        Some(Self {
            server: Server::Embedded(endpoint),
            container: "orders".to_owned(),
        })
    }

    pub(super) fn connection_string(&self) -> String {
        match &self.server {
            Server::Azurite(azurite) => azurite.connection_string(),
            Server::Embedded(endpoint) => endpoint.connection_string(),
        }
    }

    /// The adapter, with connections of its own.
    pub(super) fn blobs(&self) -> AzureBlobs {
        blobs(&self.connection_string(), &self.container)
    }

    /// A process that remembers nothing yet.
    pub(super) fn store(&self) -> BlobStore<AzureBlobs> {
        BlobStore::new(self.blobs())
    }

    /// The adapter on the container, which is created.
    pub(super) async fn ready(&self) -> AzureBlobs {
        let blobs = self.blobs();
        blobs.create_container().await.unwrap();
        blobs
    }

    /// The blob's address for somebody who is no client of ours.
    pub(super) fn address(&self, blob: &str) -> String {
        let container = &self.container;
        let name = blob.replace('%', "%25");
        match &self.server {
            Server::Azurite(azurite) => {
                format!("{}/{container}/{name}?{}", azurite.url, azurite.sas("rw"))
            }
            Server::Embedded(endpoint) => format!("{}/{container}/{name}", endpoint.url()),
        }
    }

    pub(super) async fn read(&self, blob: &str) -> Option<Read> {
        let client = http_client::build("test").unwrap();
        let answer = client.get(self.address(blob)).send().await.unwrap();
        if answer.status() == 404 {
            return None;
        }
        assert_eq!(answer.status(), 200, "{blob}");
        let headers = answer.headers().clone();
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let metadata = headers.keys().filter_map(|name| {
            let key = name.as_str().strip_prefix("x-ms-meta-")?;
            Some((key.to_owned(), text(name.as_str())))
        });
        Some(Read {
            content_type: text("content-type"),
            etag: text("etag"),
            metadata: metadata.collect(),
            bytes: answer.bytes().await.unwrap().to_vec(),
        })
    }

    /// Somebody else's blob.
    pub(super) async fn seed(&self, blob: &str, metadata: &[(&str, &str)]) {
        match &self.server {
            Server::Embedded(endpoint) => {
                let metadata = metadata.iter();
                let upload = Upload {
                    bytes: "{}".into(),
                    metadata: metadata
                        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                        .collect(),
                    content_type: "text/plain".to_owned(),
                };
                let any = Conditions::default();
                endpoint
                    .storage()
                    .put(&self.container, blob, upload, &any)
                    .unwrap();
            }
            Server::Azurite(_) => {
                let client = http_client::build("test").unwrap();
                let mut put = client
                    .put(self.address(blob))
                    .header("x-ms-blob-type", "BlockBlob");
                for (key, value) in metadata {
                    put = put.header(format!("x-ms-meta-{key}"), *value);
                }
                assert_eq!(put.body("{}").send().await.unwrap().status(), 201);
            }
        }
    }
}
