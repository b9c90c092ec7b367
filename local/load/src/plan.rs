//! What a load run is to do.

use std::path::PathBuf;
use std::time::Duration;

use super::faults::Faults;

/// How carts arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many a second, whatever the stack does meanwhile.
    Rate(f64),
    /// Each session sends its next cart when the queue has the last one, while the queue is not too long.
    Max,
}

/// A load run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How carts arrive; of shoppers, how often they click, all together.
    pub pace: Pace,
    /// Sessions that have a cart each, or shoppers.
    pub carts: usize,
    /// Through the storefront's pages instead of the queue's door.
    pub through_petstore: bool,
    /// How long carts arrive.
    pub duration: Duration,
    /// What goes wrong meanwhile.
    pub faults: Faults,
    /// Decides what is in the carts, whose turn it is, and when what goes wrong.
    pub seed: u64,
    /// The least size of an order.
    pub body_bytes: usize,
    /// How long the queue may show no progress at the end before the judge takes it as it is.
    pub settle: Duration,
    /// Where the oracle's notes and the report are written, if anywhere.
    pub out: Option<PathBuf>,
}
