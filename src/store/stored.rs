//! What is stored already, and what an order at hand is to it. No HTTP in it.
//!
//! Where nobody can tell which of the two is newer, that is the verdict: a person decides, with
//! both in hand. Neither silence nor "stored" is ever the answer to a doubt.

use std::fmt;

use crate::order::{CLOCK_STEP_MAX_SECS, EnqueuedTime, Order, Position, Standing};

/// A blob, but for its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What its metadata says of the order in it.
    pub origin: Origin,
    /// `Last-Modified`, in whole seconds; `None` when the answer did not say.
    pub modified: Option<EnqueuedTime>,
}

/// Where the content of a blob comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An order of ours, with its place in the queue.
    Placed {
        /// Its place.
        position: Position,
        /// The publisher's id of its message, if it had one.
        message_id: Option<String>,
    },
    /// An order of ours whose message had no place.
    Unplaced,
    /// Somebody else wrote it: a former version of this function, or a person by hand.
    Foreign,
}

/// What becomes of an order whose session has a blob already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is newer by the queue's numbers.
    Newer(Position),
    /// It is newer by time alone: another partition numbered it.
    Later(Position),
    /// It is newer by time alone: the queue was recreated since.
    Renumbered(Position),
    /// It was accepted after the blob was last modified, which names no place.
    AfterForeign,
    /// Neither has a place: the one that comes last stays.
    Unplaced,
    /// It is the stored one.
    Same,
    /// The stored one is newer.
    Superseded(Position),
    /// Nobody can tell.
    Doubtful(Doubt),
}

/// Why nobody but a person can tell which of two orders is newer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Number and time disagree, or two partitions accepted both at about the same time.
    #[error("stored {stored}, this one {ours}")]
    Positions {
        /// What is stored.
        stored: Position,
        /// What was to be stored.
        ours: Position,
    },
    /// Two messages with the same number and time: a broker that does not count, or two queues that
    /// write to one container.
    #[error(
        "{position} is the place of message {stored}, which is stored, and of this one, {ours}"
    )]
    SamePlace {
        /// The place of both.
        position: Position,
        /// The id of the message that is stored.
        stored: String,
        /// The id of this one.
        ours: String,
    },
    /// The message's number or time is missing, or cannot be trusted.
    #[error("stored {stored}, this one without a place in the queue")]
    NoPlace {
        /// What is stored.
        stored: Position,
    },
    /// The blob names no place, and nothing shows that it is the older one.
    #[error(
        "the file names no place in the queue{}, this one is {}",
        shown(", modified ", *modified),
        ours.map_or_else(|| "without one too".to_owned(), |ours| ours.to_string())
    )]
    NotOlder {
        /// When it was last modified, if the storage said.
        modified: Option<EnqueuedTime>,
        /// The place of this order, if it has one.
        ours: Option<Position>,
    },
    /// Their times alone tell which is newer, and this one's is not certain.
    #[error(
        "{}, this one{}: only their times tell",
        stored.map_or_else(
            || "the file names no place in the queue".to_owned(),
            |stored| format!("stored {stored}")
        ),
        shown(" ", *ours)
    )]
    TimeAlone {
        /// What is stored, if it names its place.
        stored: Option<Position>,
        /// The place of this order.
        ours: Option<Position>,
    },
}

fn shown(what: &str, value: Option<impl fmt::Display>) -> String {
    value.map_or_else(String::new, |value| format!("{what}{value}"))
}

impl Verdict {
    /// The same from who cannot be sure of the order's time: what it alone decides is a doubt then.
    #[must_use]
    pub fn by_numbers_alone(self, order: &Order) -> Self {
        let stored = match self {
            Self::Later(stored) | Self::Renumbered(stored) => Some(stored),
            // Another redrive may have stored it, with a time that is no more certain.
            Self::Superseded(stored) if !shares_numbers(order, stored) => Some(stored),
            Self::AfterForeign => None,
            other => return other,
        };
        Self::Doubtful(Doubt::TimeAlone {
            stored,
            ours: order.position,
        })
    }
}

fn shares_numbers(order: &Order, stored: Position) -> bool {
    let ours = order.position.map(|ours| ours.sequence.partition());
    ours == Some(stored.sequence.partition())
}

impl Stored {
    /// The place in the queue that it names, if it does.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self.origin {
            Origin::Placed { position, .. } => Some(position),
            Origin::Unplaced | Origin::Foreign => None,
        }
    }

    /// Whether `order` takes its place.
    #[must_use]
    pub fn judge(&self, order: &Order) -> Verdict {
        match (&self.origin, order.position) {
            (
                Origin::Placed {
                    position,
                    message_id,
                },
                Some(ours),
            ) => placed(*position, message_id.as_deref(), ours, order),
            (Origin::Placed { position, .. }, None) => {
                Verdict::Doubtful(Doubt::NoPlace { stored: *position })
            }
            (Origin::Unplaced, None) => Verdict::Unplaced,
            (Origin::Unplaced | Origin::Foreign, ours) => self.unplaced(ours),
        }
    }

    /// A file without a place is older only when it was last modified before the broker accepted
    /// our order, by more than two clocks may be apart. Who saved an order by hand must not lose it
    /// to an older one that is delivered again.
    fn unplaced(&self, ours: Option<Position>) -> Verdict {
        let is_older = |modified| {
            let age = ours.map(|ours| ours.enqueued.seconds_since(modified));
            age.is_some_and(|age| age > CLOCK_STEP_MAX_SECS)
        };
        match self.modified {
            Some(modified) if is_older(modified) => Verdict::AfterForeign,
            modified => Verdict::Doubtful(Doubt::NotOlder { modified, ours }),
        }
    }
}

fn placed(stored: Position, stored_id: Option<&str>, ours: Position, order: &Order) -> Verdict {
    match ours.against(stored) {
        Standing::Newer => Verdict::Newer(stored),
        Standing::Later => Verdict::Later(stored),
        Standing::Renumbered => Verdict::Renumbered(stored),
        Standing::Superseded => Verdict::Superseded(stored),
        Standing::Contradictory => Verdict::Doubtful(Doubt::Positions { stored, ours }),
        // One place is one message, and an id that only one side knows says nothing against it.
        Standing::Same => match (stored_id, order.message_id.as_deref()) {
            (Some(stored_id), Some(our_id)) if stored_id != our_id => {
                Verdict::Doubtful(Doubt::SamePlace {
                    position: stored,
                    stored: stored_id.to_owned(),
                    ours: our_id.to_owned(),
                })
            }
            _ => Verdict::Same,
        },
    }
}
