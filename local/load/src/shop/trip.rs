//! What one shopper saw and did.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::evidence::Cart;
use crate::report::Clicks;

/// It begins empty, and ends as evidence.
#[derive(Debug, Default)]
pub(super) struct Trip {
    /// The cart last confirmed, of each session: a completed order begins a new one.
    pub(super) shown: BTreeMap<String, Cart>,
    /// When the click was due that led to it.
    pub(super) due: BTreeMap<String, OffsetDateTime>,
    /// Clicks whose page never came: each may have begun a session that nobody was shown.
    pub(super) unanswered: usize,
    /// The session whose last click got no answer.
    pub(super) unsure: Option<String>,
    /// From click to confirmation, in microseconds.
    pub(super) times: Vec<i128>,
    pub(super) clicks: Clicks,
}

impl Trip {
    pub(super) fn add_to(&self, sum: Clicks) -> Clicks {
        Clicks {
            clicks: sum.clicks + self.clicks.clicks,
            confirmed: sum.confirmed + self.clicks.confirmed,
            without_effect: sum.without_effect + self.clicks.without_effect,
            failed: sum.failed + self.clicks.failed,
            unsure: sum.unsure,
        }
    }
}
