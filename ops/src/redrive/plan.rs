//! The dry run: what a redrive would do with each letter, found out by reading alone.

use std::{collections::HashMap, fmt};

use order_items_reserver::{
    order::{Order, OrderError, Position, SessionId, Standing},
    retry::Retry,
    store::blob::{BlobService, Head},
};

use crate::letter::Letter;

/// What would happen to a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// Its order is the session's first.
    Store,
    /// Its order replaces an older one.
    Replace(Position),
    /// Its order replaces one of a former life of the queue, which numbered higher.
    Renumbered(Position),
    /// Its order replaces a blob that names no position.
    ReplaceForeign,
    /// It is the stored one.
    Stored,
    /// A newer one is stored.
    Superseded(Position),
    /// A person gets it: it is no order.
    Unreadable(OrderError),
    /// A person gets it: nobody can tell which is newer.
    Contradictory(Position),
    /// It stays: its place in the queue is not certain.
    DoubtfulPosition(String),
    /// The storage cannot be read.
    Unknown(String),
}

impl Forecast {
    /// Whether the letter would be settled.
    #[must_use]
    pub fn settles(&self) -> bool {
        !matches!(self, Self::DoubtfulPosition(_) | Self::Unknown(_))
    }

    /// The first word of what would happen.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::Store
            | Self::Replace(_)
            | Self::Renumbered(_)
            | Self::ReplaceForeign
            | Self::Stored => "stored",
            Self::Superseded(_) => "superseded",
            Self::Unreadable(_) | Self::Contradictory(_) => "handed over",
            Self::DoubtfulPosition(_) => "LEFT",
            Self::Unknown(_) => "UNKNOWN",
        }
    }
}

/// Why it would.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("nothing is stored for the session"),
            Self::Replace(older) => write!(f, "replaces {older}"),
            Self::Renumbered(former) => {
                write!(f, "replaces {former}: the queue was recreated since")
            }
            Self::ReplaceForeign => f.write_str("replaces a blob that we did not write"),
            Self::Stored => f.write_str("it is the stored one"),
            Self::Superseded(newer) => write!(f, "{newer} is stored"),
            Self::Unreadable(error) => write!(f, "unreadable order: {error}"),
            Self::Contradictory(stored) => {
                write!(f, "cannot tell which order is newer: stored {stored}")
            }
            Self::DoubtfulPosition(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Forecasts, letter after letter. What one would store is what the next one would find.
#[derive(Debug)]
pub struct Plan<'a, B> {
    blobs: &'a B,
    retry: Retry,
    /// Of each session looked at: its blob, if there is one, and the position that the blob names.
    stored: HashMap<SessionId, Option<Option<Position>>>,
    /// Why the storage cannot be read, once found out: the next letters must not wait for it too.
    storage_down: Option<String>,
}

impl<'a, B: BlobService> Plan<'a, B> {
    /// A plan that reads `blobs` as patiently as the function does.
    pub fn new(blobs: &'a B, retry: Retry) -> Self {
        Self {
            blobs,
            retry,
            stored: HashMap::new(),
            storage_down: None,
        }
    }

    /// What would happen to `letter` after all those before.
    pub async fn forecast(&mut self, letter: &Letter) -> Forecast {
        if let Some(why) = letter.doubtful_position() {
            return Forecast::DoubtfulPosition(why);
        }
        let order = match Order::parse(&letter.delivery) {
            Ok(order) => order,
            Err(error) => return Forecast::Unreadable(error),
        };
        let stored = match self.stored(&order.session).await {
            Ok(stored) => stored,
            Err(why) => return Forecast::Unknown(why),
        };
        let forecast = judge(&order, stored);
        let writes = matches!(
            forecast,
            Forecast::Store
                | Forecast::Replace(_)
                | Forecast::Renumbered(_)
                | Forecast::ReplaceForeign
        );
        if writes {
            self.stored.insert(order.session, Some(order.position));
        }
        forecast
    }

    /// The session's blob: none, one without a position, one with.
    async fn stored(&mut self, session: &SessionId) -> Result<Option<Option<Position>>, String> {
        if let Some(known) = self.stored.get(session) {
            return Ok(*known);
        }
        if let Some(why) = &self.storage_down {
            return Err(why.clone());
        }
        match self.retry.run(|_| self.blobs.head_blob(session)).await {
            Ok(read) => {
                let stored = read.value.map(|head: Head| head.position);
                self.stored.insert(session.clone(), stored);
                Ok(stored)
            }
            Err(exhausted) => {
                let why = format!("the storage cannot be read: {exhausted}");
                self.storage_down = Some(why.clone());
                Err(why)
            }
        }
    }
}

/// As the reservation judges; see the table in `ARCHITECTURE.md`.
fn judge(order: &Order, stored: Option<Option<Position>>) -> Forecast {
    match (stored, order.position) {
        (None, _) => Forecast::Store,
        (Some(None), _) | (_, None) => Forecast::ReplaceForeign,
        (Some(Some(theirs)), Some(ours)) => match ours.against(theirs) {
            Standing::Newer => Forecast::Replace(theirs),
            Standing::Same => Forecast::Stored,
            Standing::Superseded => Forecast::Superseded(theirs),
            Standing::Renumbered => Forecast::Renumbered(theirs),
            Standing::Contradictory => Forecast::Contradictory(theirs),
        },
    }
}
