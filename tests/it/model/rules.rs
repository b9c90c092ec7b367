//! Rules by which others tell the newer of two orders, and this product once did. Each is the
//! product's own code, shown something else than what is there; each has to break somewhere.

use order_items_reserver::order::{EnqueuedTime, Order, Position, SequenceNumber, SessionId};
use order_items_reserver::store::blob::{BlobService, BlobStore, Condition, Head, PutReply};
use order_items_reserver::store::{OrderStore, Origin, Put, StoreError, Stored, Verdict};

/// More numbers than a test gives out in a partition.
const NUMBERS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Numbers are compared whole, the partition with them.
    WholeNumbers,
    /// What has the same place is the same message, whatever its id.
    AnyMessageId,
    /// A message without a place overwrites whatever it finds.
    UnplacedWins,
    /// A file without our metadata is always older.
    FilesAreOlder,
}

impl Rule {
    pub(crate) const ALL: [Self; 4] = [
        Self::WholeNumbers,
        Self::AnyMessageId,
        Self::UnplacedWins,
        Self::FilesAreOlder,
    ];

    /// What `order` is to what is `stored`, by this rule.
    pub(crate) fn judge(self, stored: &Stored, order: &Order) -> Verdict {
        self.shown(stored.clone(), order).judge(&self.order(order))
    }

    fn shown(self, stored: Stored, order: &Order) -> Stored {
        let Stored { origin, modified } = stored;
        match (self, origin) {
            (Self::UnplacedWins, _) if order.position.is_none() => Stored {
                origin: Origin::Unplaced,
                modified,
            },
            (Self::FilesAreOlder, Origin::Foreign) => Stored {
                origin: Origin::Foreign,
                modified: "2000-01-01T00:00:00Z".parse::<EnqueuedTime>().ok(),
            },
            (
                Self::WholeNumbers,
                Origin::Placed {
                    position,
                    message_id,
                },
            ) => Stored {
                origin: Origin::Placed {
                    position: numbered(position, whole),
                    message_id,
                },
                modified,
            },
            (Self::AnyMessageId, Origin::Placed { position, .. }) => Stored {
                origin: Origin::Placed {
                    position,
                    message_id: None,
                },
                modified,
            },
            (_, origin) => Stored { origin, modified },
        }
    }

    fn order(self, order: &Order) -> Order {
        self.renumbered(order, whole)
    }

    fn original(self, order: &Order) -> Order {
        self.renumbered(order, |number| {
            ((number / NUMBERS) << 48) | (number % NUMBERS)
        })
    }

    fn renumbered(self, order: &Order, change: impl Fn(u64) -> u64) -> Order {
        let mut order = order.clone();
        if self == Self::WholeNumbers {
            order.position = order.position.map(|position| numbered(position, change));
        }
        order
    }
}

fn numbered(position: Position, change: impl Fn(u64) -> u64) -> Position {
    Position {
        sequence: SequenceNumber(change(position.sequence.0)),
        ..position
    }
}

/// In the same order, all in one partition.
fn whole(number: u64) -> u64 {
    (number >> 48) * NUMBERS + (number & 0xffff_ffff_ffff)
}

/// A store that goes by another rule.
#[derive(Debug)]
pub(crate) struct Ruled<B> {
    blobs: B,
    rule: Rule,
}

impl<B> Ruled<B> {
    pub(crate) fn new(blobs: B, rule: Rule) -> Self {
        Self { blobs, rule }
    }
}

impl<B: BlobService + Clone> OrderStore for Ruled<B> {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let misread = Misread {
            blobs: self.blobs.clone(),
            rule: self.rule,
            order: order.clone(),
        };
        BlobStore::new(misread).put(&self.rule.order(order)).await
    }
}

/// The storage as the rule sees it.
struct Misread<B> {
    blobs: B,
    rule: Rule,
    order: Order,
}

impl<B: BlobService> BlobService for Misread<B> {
    async fn put_blob(&self, order: &Order, condition: &Condition) -> Result<PutReply, StoreError> {
        let order = self.rule.original(order);
        self.blobs.put_blob(&order, condition).await
    }

    async fn head_blob(&self, session: &SessionId) -> Result<Option<Head>, StoreError> {
        let head = self.blobs.head_blob(session).await?;
        Ok(head.map(|head| Head {
            stored: self.rule.shown(head.stored, &self.order),
            ..head
        }))
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        self.blobs.create_container().await
    }
}
