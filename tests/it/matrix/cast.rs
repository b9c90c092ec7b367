//! What a delivery can meet: what is stored, and what the process remembers.

use order_items_reserver::order::{Order, Position, SequenceNumber};
use order_items_reserver::store::Origin;

use crate::model::messages::{Message, at, in_partition};

/// What is stored before the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prior {
    Absent,
    Older,
    Same,
    Newer,
    /// Of the queue's former life: a higher number, enqueued more than 60 s earlier.
    Renumbered,
    /// A higher number, enqueued less than that earlier: nobody can tell.
    Contradictory,
    /// Of another partition, with a lower number, and clearly older; clearly newer; or accepted at
    /// about the same time, so that nobody can tell.
    OtherPartitionOlder,
    OtherPartitionNewer,
    OtherPartitionUnclear,
    /// Another message with our number and time.
    SamePlace,
    /// Somebody else's blob, without our metadata: modified before ours was accepted, or after.
    ForeignOlder,
    ForeignNewer,
    /// An order of ours without a place: written before ours was accepted, or after.
    UnplacedOlder,
    UnplacedNewer,
}

/// What the process remembers of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    Cold,
    /// What is stored; of a blob without a place, what was there before.
    Warm,
    /// Something older than what is stored.
    Stale,
}

pub(super) const PRIORS: [Prior; 14] = [
    Prior::Absent,
    Prior::Older,
    Prior::Same,
    Prior::Newer,
    Prior::Renumbered,
    Prior::Contradictory,
    Prior::ForeignOlder,
    Prior::OtherPartitionOlder,
    Prior::OtherPartitionNewer,
    Prior::OtherPartitionUnclear,
    Prior::SamePlace,
    Prior::ForeignNewer,
    Prior::UnplacedOlder,
    Prior::UnplacedNewer,
];
pub(super) const MEMORIES: [Memory; 3] = [Memory::Cold, Memory::Warm, Memory::Stale];

impl Prior {
    /// Of a blob without a place, any memory is stale; and of one that nobody can compare, it is
    /// all the same.
    pub(super) fn can_meet(self, memory: Memory) -> bool {
        match self {
            Self::Older
            | Self::Same
            | Self::Newer
            | Self::Renumbered
            | Self::OtherPartitionOlder
            | Self::OtherPartitionNewer => true,
            Self::Absent | Self::Contradictory | Self::ForeignOlder | Self::UnplacedOlder => {
                memory != Memory::Stale
            }
            Self::OtherPartitionUnclear
            | Self::SamePlace
            | Self::ForeignNewer
            | Self::UnplacedNewer => memory == Memory::Cold,
        }
    }

    fn of_another_partition(self) -> bool {
        matches!(
            self,
            Self::OtherPartitionOlder | Self::OtherPartitionNewer | Self::OtherPartitionUnclear
        )
    }
}

/// The messages of a case, made once for all cases alike.
pub(super) struct Cast {
    pub(super) prior: Prior,
    pub(super) memory: Memory,
    pub(super) ours: Message,
    /// The next cart of the session, a little later.
    pub(super) successor: Order,
    /// And when it was modified, in seconds after ours was accepted.
    pub(super) stored: Option<(Message, i64)>,
    pub(super) remembered: Option<Order>,
    /// All of them.
    pub(super) published: Vec<Message>,
}

impl Cast {
    pub(super) fn new(prior: Prior, memory: Memory) -> Self {
        let message = |rank, position| Message::new("E7DB-42", rank, position);
        let by_hand = |rank| Message::by_hand("E7DB-42", rank);
        let number = |number| match prior.of_another_partition() {
            true => in_partition(9, number),
            false => number,
        };
        let ours = message(10, Some(at(number(7), 0)));
        let successor = message(20, Some(at(number(11), 40)));
        let ancient = message(1, Some(at(3, -200)));
        let other = |seconds| Some(at(in_partition(3, 8), seconds));
        // Where nobody can tell, to overwrite it is to go back, for all that anybody knows.
        let stored = match prior {
            Prior::Absent => None,
            Prior::Older => Some((message(5, Some(at(5, -10))), -9)),
            Prior::Same => Some((ours.clone(), 1)),
            Prior::Newer => Some((message(15, Some(at(9, 5))), 6)),
            Prior::Renumbered => Some((message(5, Some(at(5000, -61))), -60)),
            Prior::Contradictory => Some((message(15, Some(at(5000, -30))), 1)),
            Prior::OtherPartitionOlder => Some((message(5, other(-3)), -2)),
            Prior::OtherPartitionNewer => Some((message(15, other(3)), 4)),
            Prior::OtherPartitionUnclear => Some((message(15, other(1)), 2)),
            Prior::SamePlace => Some((message(15, ours.position), 1)),
            Prior::ForeignOlder => Some((by_hand(5), -3)),
            Prior::ForeignNewer => Some((by_hand(15), -2)),
            Prior::UnplacedOlder => Some((message(5, None), -3)),
            Prior::UnplacedNewer => Some((message(15, None), -2)),
        };
        let numbered = stored.clone().map(|(stored, _)| stored);
        let numbered = numbered.filter(|stored| stored.position.is_some());
        let remembered = match (memory, numbered) {
            (Memory::Cold, _) => None,
            (Memory::Warm, Some(stored)) => Some(stored),
            (Memory::Warm | Memory::Stale, _) => Some(ancient.clone()),
        };
        let mut published = vec![ancient, ours.clone(), successor.clone()];
        published.extend(stored.clone().map(|(stored, _)| stored));
        Self {
            prior,
            memory,
            ours,
            successor: order(&successor),
            stored,
            remembered: remembered.as_ref().map(order),
            published,
        }
    }

    /// The same, but ours has no place.
    pub(super) fn unplaced(prior: Prior, memory: Memory) -> Self {
        let cast = Self::new(prior, memory);
        let ours = Message::new("E7DB-42", 10, None);
        let mut published = cast.published;
        published.push(ours.clone());
        Self {
            ours,
            published,
            ..cast
        }
    }

    /// An older order of the session, which gives way to ours.
    pub(super) fn elder(&self) -> Message {
        let position = self.ours.position.map(|ours| Position {
            sequence: SequenceNumber(ours.sequence.0 - 1),
            ..ours
        });
        Message::new("E7DB-42", 9, position)
    }

    /// Whether only a person can tell what to do with ours.
    pub(super) fn is_doubtful(&self) -> bool {
        match (self.ours.position, self.prior) {
            (None, prior) => !matches!(
                prior,
                Prior::Absent | Prior::UnplacedOlder | Prior::UnplacedNewer
            ),
            (Some(_), prior) => matches!(
                prior,
                Prior::Contradictory
                    | Prior::OtherPartitionUnclear
                    | Prior::SamePlace
                    | Prior::ForeignNewer
                    | Prior::UnplacedNewer
            ),
        }
    }

    /// Whether what has this origin came after ours, in truth.
    pub(super) fn is_newer(&self, origin: &Origin) -> bool {
        let mut published = self.published.iter();
        let found = published.find(|message| message.content().origin == *origin);
        found.is_some_and(|message| message.rank > self.ours.rank)
    }
}

fn order(message: &Message) -> Order {
    Order::parse(&message.delivery(1)).unwrap()
}
