//! The embedded Blob Storage, which outlives the shops that keep their carts in it.

use std::collections::BTreeSet;

use blob::BlobEndpoint;
use testkit::net::{listener, listener_on};
use tokio::runtime::Runtime;

/// An account on a thread of its own, so that a test may block.
#[derive(Debug)]
pub(crate) struct Store {
    endpoint: Option<BlobEndpoint>,
    connection: String,
    runtime: Option<Runtime>,
}

impl Store {
    pub(crate) fn open() -> Self {
        let started = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let endpoint =
                runtime.block_on(async { BlobEndpoint::start(listener().await).unwrap() });
            (endpoint, runtime)
        });
        let (endpoint, runtime) = started.join().unwrap();
        Self {
            connection: endpoint.connection_string(),
            endpoint: Some(endpoint),
            runtime: Some(runtime),
        }
    }

    pub(crate) fn connection_string(&self) -> &str {
        &self.connection
    }

    pub(crate) fn endpoint(&self) -> &BlobEndpoint {
        self.endpoint.as_ref().unwrap()
    }

    /// Its content, by name: of records, or of marks.
    pub(crate) fn names(&self, marks: bool) -> Vec<String> {
        let storage = self.endpoint().storage();
        let written = storage.writes().into_iter();
        let names: BTreeSet<String> = written
            .filter(|write| storage.blob(&write.container, &write.name).is_some())
            .map(|write| write.name)
            .collect();
        names
            .into_iter()
            .filter(|name| name.starts_with("pending/") == marks)
            .collect()
    }

    /// Nobody answers at its address any more.
    pub(crate) async fn shut(&mut self) -> Shut {
        let endpoint = self.endpoint.take().unwrap();
        let shut = Shut {
            address: endpoint.address(),
            storage: endpoint.storage().clone(),
        };
        endpoint.stop().await;
        shut
    }

    pub(crate) async fn reopen(&mut self, shut: Shut) {
        let handle = self.runtime.as_ref().unwrap().handle().clone();
        let started = handle.spawn(async move {
            let listener = listener_on(shut.address).await;
            BlobEndpoint::start_with(listener, shut.storage).unwrap()
        });
        self.endpoint = Some(started.await.unwrap());
    }
}

/// What is left of a store that is shut.
#[derive(Debug)]
pub(crate) struct Shut {
    address: std::net::SocketAddr,
    storage: blob::BlobStorage,
}

/// A test is asynchronous, where a runtime must not wait for its end.
impl Drop for Store {
    fn drop(&mut self) {
        drop(self.endpoint.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
