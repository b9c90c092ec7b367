//! The dry run: what a redrive would do with each letter, found out by reading alone.

use std::collections::HashMap;
use std::fmt;

use order_items_reserver::order::{Order, OrderError, SessionId};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::blob::BlobService;
use order_items_reserver::store::{Doubt, Origin, Stored, Verdict};

use super::TRUST_TIMES;
use crate::letter::Letter;

/// What would happen to a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// Its order is the session's first.
    First,
    /// A blob is there, and this is what its order is to it.
    Judged(Verdict),
    /// A person gets it: it is no order.
    Unreadable(OrderError),
    /// It stays: its place in the queue is not certain.
    DoubtfulPosition(String),
    /// The storage cannot be read.
    Unknown(String),
}

impl Forecast {
    /// Whether the letter would be settled.
    #[must_use]
    pub fn settles(&self) -> bool {
        !["LEFT", "UNKNOWN"].contains(&self.verdict())
    }

    /// The first word of what would happen.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::First => "stored",
            Self::Judged(verdict) => match verdict {
                Verdict::Newer(_)
                | Verdict::Later(_)
                | Verdict::Renumbered(_)
                | Verdict::AfterForeign
                | Verdict::Unplaced
                | Verdict::Same => "stored",
                Verdict::Superseded(_) => "superseded",
                Verdict::Doubtful(Doubt::TimeAlone { .. }) => "LEFT",
                Verdict::Doubtful(_) => "handed over",
            },
            Self::Unreadable(_) => "handed over",
            Self::DoubtfulPosition(_) => "LEFT",
            Self::Unknown(_) => "UNKNOWN",
        }
    }

    /// Whether its order would be in the blob afterwards, and was not before.
    fn writes(&self) -> bool {
        self.verdict() == "stored" && *self != Self::Judged(Verdict::Same)
    }
}

/// Why it would.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("nothing is stored for the session"),
            Self::Judged(verdict) => match verdict {
                Verdict::Newer(older) | Verdict::Later(older) => write!(f, "replaces {older}"),
                Verdict::Renumbered(former) => {
                    write!(f, "replaces {former}: the queue was recreated since")
                }
                Verdict::AfterForeign | Verdict::Unplaced => {
                    f.write_str("replaces an older file that names no place in the queue")
                }
                Verdict::Same => f.write_str("it is the stored one"),
                Verdict::Superseded(newer) => write!(f, "{newer} is stored"),
                Verdict::Doubtful(doubt @ Doubt::TimeAlone { .. }) => {
                    write!(f, "{doubt}; {TRUST_TIMES}")
                }
                Verdict::Doubtful(doubt) => {
                    write!(f, "cannot tell which order is newer: {doubt}")
                }
            },
            Self::Unreadable(error) => write!(f, "unreadable order: {error}"),
            Self::DoubtfulPosition(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Forecasts, letter after letter. What one would store is what the next one would find.
#[derive(Debug)]
pub struct Plan<'a, B> {
    blobs: &'a B,
    retry: Retry,
    trust_times: bool,
    /// Of each session looked at: its blob, if there is one.
    stored: HashMap<SessionId, Option<Stored>>,
    /// Why the storage cannot be read, once found out: the next letters must not wait for it too.
    storage_down: Option<String>,
}

impl<'a, B: BlobService> Plan<'a, B> {
    /// A plan that reads `blobs` as patiently as the function does; `trust_times` as for the
    /// redrive.
    pub fn new(blobs: &'a B, retry: Retry, trust_times: bool) -> Self {
        Self {
            blobs,
            retry,
            trust_times,
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
        let forecast = stored.map_or(Forecast::First, |stored| {
            let verdict = stored.judge(&order);
            Forecast::Judged(match self.trust_times {
                true => verdict,
                false => verdict.by_numbers_alone(&order),
            })
        });
        if forecast.writes() {
            let origin = match order.position {
                Some(position) => Origin::Placed {
                    position,
                    message_id: order.message_id,
                },
                None => Origin::Unplaced,
            };
            let stored = Stored {
                origin,
                modified: None,
            };
            self.stored.insert(order.session, Some(stored));
        }
        forecast
    }

    /// The session's blob, if there is one.
    async fn stored(&mut self, session: &SessionId) -> Result<Option<Stored>, String> {
        if let Some(known) = self.stored.get(session) {
            return Ok(known.clone());
        }
        if let Some(why) = &self.storage_down {
            return Err(why.clone());
        }
        match self.retry.run(|_| self.blobs.head_blob(session)).await {
            Ok(read) => {
                let stored = read.value.map(|head| head.stored);
                self.stored.insert(session.clone(), stored.clone());
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
