//! Stand-ins for the two ports, as plain as they can be.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::order::Order;
use order_items_reserver::reserve::{BatchLimits, Reserver};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::{OrderStore, Put, StoreError};
use storage_account::StorageError;

/// A store that answers every PUT alike and remembers what it was given.
#[derive(Clone)]
pub(crate) struct ScriptedStore {
    answer: Result<Put, StoreError>,
    puts: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl ScriptedStore {
    pub(crate) fn answering(answer: Result<Put, StoreError>) -> Self {
        Self {
            answer,
            puts: Arc::default(),
        }
    }

    /// Blob name and body of every PUT.
    pub(crate) fn puts(&self) -> Vec<(String, Bytes)> {
        self.puts.lock().unwrap().clone()
    }
}

impl OrderStore for ScriptedStore {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let name = order.session.blob_name().to_string();
        self.puts.lock().unwrap().push((name, order.body.clone()));
        self.answer.clone()
    }
}

/// A fallback that answers every notice alike and remembers the reasons.
#[derive(Clone)]
pub(crate) struct ScriptedFallback {
    answer: Result<(), FallbackError>,
    reasons: Arc<Mutex<Vec<String>>>,
}

impl ScriptedFallback {
    pub(crate) fn answering(answer: Result<(), FallbackError>) -> Self {
        Self {
            answer,
            reasons: Arc::default(),
        }
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        self.reasons.lock().unwrap().clone()
    }
}

impl Fallback for ScriptedFallback {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        self.reasons.lock().unwrap().push(notice.reason.to_string());
        self.answer.clone()
    }
}

/// The real data path between `store` and `fallback`, with the limits of a fast test.
pub(crate) fn reserver<S, F>(store: S, fallback: F) -> Arc<Reserver<S, F>> {
    Arc::new(Reserver {
        store,
        fallback,
        retry: Retry {
            attempt_timeout: Duration::from_secs(10),
            backoff_base: Duration::from_millis(1),
        },
        fallback_timeout: Duration::from_secs(30),
        batch: LIMITS,
    })
}

/// Those of a batch, as by default.
pub(crate) const LIMITS: BatchLimits = BatchLimits {
    sessions_at_once: NonZeroUsize::new(64).unwrap(),
    time: Duration::from_secs(285),
};

/// 503, as a busy account answers.
pub(crate) fn busy() -> StoreError {
    StorageError::Refused {
        status: 503,
        code: Some("ServerBusy".to_owned()),
        retry_after: None,
    }
    .into()
}
