//! A storage in memory behind the real write protocol, and a workflow, that do as they are told
//! and see how many came at once.

use std::collections::HashSet;
use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use order_items_reserver::fallback::logic_app::operation_id;
use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::order::{Delivery, Order, SessionId};
use order_items_reserver::reserve::{BatchLimits, Reservation, Reserver};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::StoreError;
use order_items_reserver::store::blob::{BlobService, BlobStore, Condition, Head, PutReply};
use tokio::time::sleep;
use uuid::Uuid;

use crate::invocation::doubles::busy;
use crate::model::messages::Message;
use crate::model::storage::{Storage, Upload};

/// How requests are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answers {
    #[default]
    AtOnce,
    /// Well, after so long.
    After(Duration),
    Failure,
    Never,
    /// After so long.
    Panic(Duration),
}

#[derive(Debug)]
pub(super) struct Seen {
    pub(super) storage: Storage,
    /// Message ids of all PUTs and of all mails, as they came, and the mails' operations.
    pub(super) puts: Vec<String>,
    pub(super) mails: Vec<String>,
    pub(super) operations: Vec<Uuid>,
    pub(super) at_once: usize,
    pub(super) at_once_max: usize,
    pub(super) mails_at_once: usize,
    pub(super) mails_at_once_max: usize,
    pub(super) uploads: Answers,
    /// Of these sessions every upload fails.
    pub(super) broken: HashSet<String>,
    pub(super) workflow: Answers,
}

/// Storage and workflow, from outside.
#[derive(Clone, Debug)]
pub(super) struct Outside(Arc<Mutex<Seen>>);

impl Outside {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Seen {
            storage: Storage::new(),
            puts: Vec::new(),
            mails: Vec::new(),
            operations: Vec::new(),
            at_once: 0,
            at_once_max: 0,
            mails_at_once: 0,
            mails_at_once_max: 0,
            uploads: Answers::AtOnce,
            broken: HashSet::new(),
            workflow: Answers::AtOnce,
        })))
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    /// The product between them; sessions of a batch so many at once.
    pub(super) fn reserver(&self, sessions: usize) -> Arc<Reserver<BlobStore<Self>, Self>> {
        self.reserver_for(sessions, Duration::from_secs(285))
    }

    /// The same for batches that may take so long.
    pub(super) fn reserver_for(
        &self,
        sessions: usize,
        time: Duration,
    ) -> Arc<Reserver<BlobStore<Self>, Self>> {
        Arc::new(Reserver {
            store: BlobStore::new(self.clone()),
            fallback: self.clone(),
            retry: Retry {
                attempt_timeout: Duration::from_secs(10),
                backoff_base: Duration::from_secs(1),
            },
            fallback_timeout: Duration::from_secs(100),
            batch: BatchLimits {
                sessions_at_once: NonZeroUsize::new(sessions).unwrap(),
                time,
            },
        })
    }

    /// What became of these, as one batch; `count` is how often each was delivered.
    pub(super) async fn reserve(&self, messages: &[Message], count: u32) -> Vec<Reservation> {
        let deliveries: Vec<Delivery> = messages.iter().map(|one| one.delivery(count)).collect();
        self.reserver(64).reserve_all(&deliveries, |_, _| ()).await
    }

    /// What is stored of a session.
    pub(super) fn stored(&self, session: &str) -> Option<Vec<u8>> {
        let session = SessionId::new(session).unwrap();
        let seen = self.seen();
        let content = seen.storage.content(&session);
        content.map(|content| content.bytes.to_vec())
    }
}

impl BlobService for Outside {
    async fn put_blob(&self, order: &Order, condition: &Condition) -> Result<PutReply, StoreError> {
        let answers = {
            let mut seen = self.seen();
            seen.puts.push(order.message_id.clone().unwrap());
            seen.at_once += 1;
            seen.at_once_max = seen.at_once_max.max(seen.at_once);
            match seen.broken.contains(order.session.as_str()) {
                true => Answers::Failure,
                false => seen.uploads,
            }
        };
        if let Answers::After(time) | Answers::Panic(time) = answers {
            sleep(time).await;
        }
        // Who is given up stays counted until the next one looks, which only makes it stricter.
        self.seen().at_once -= 1;
        match answers {
            Answers::Failure => Err(busy()),
            Answers::Never => pending().await,
            Answers::Panic(_) => panic!("the storage's client panics, as this test asks"),
            Answers::AtOnce | Answers::After(_) => {
                Ok(self.seen().storage.put(&Upload::of(order, condition)))
            }
        }
    }

    async fn head_blob(&self, session: &SessionId) -> Result<Option<Head>, StoreError> {
        Ok(self.seen().storage.head(session))
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        self.seen().storage.has_container = true;
        Ok(())
    }
}

impl Fallback for Outside {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let answers = {
            let mut seen = self.seen();
            seen.mails.push(notice.delivery.message_id.clone().unwrap());
            seen.operations.push(operation_id(notice.delivery));
            seen.mails_at_once += 1;
            seen.mails_at_once_max = seen.mails_at_once_max.max(seen.mails_at_once);
            seen.workflow
        };
        if let Answers::After(time) = answers {
            sleep(time).await;
        }
        match answers {
            Answers::Never => {
                sleep(Duration::from_secs(99)).await;
                self.seen().mails_at_once -= 1;
                pending().await
            }
            Answers::Failure => {
                self.seen().mails_at_once -= 1;
                Err(FallbackError::Refused(500))
            }
            Answers::AtOnce | Answers::After(_) | Answers::Panic(_) => {
                self.seen().mails_at_once -= 1;
                Ok(())
            }
        }
    }
}
