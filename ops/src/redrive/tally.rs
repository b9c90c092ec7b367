//! How a redrive ended, in numbers.

use std::fmt;

use order_items_reserver::reserve::Outcome;

use super::{Ended, OUTAGE_AFTER};
use crate::{list::counted, walk::End};

/// What became of the letters of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Stored and deleted.
    pub stored: usize,
    /// Older than what is stored, and deleted.
    pub superseded: usize,
    /// Mailed and deleted.
    pub handed_over: usize,
    /// Still in the queue, as far as is known.
    pub left: usize,
    /// Stored, superseded or mailed, and perhaps still in the queue.
    pub unconfirmed: usize,
    /// Why the run ended; `None` when the storage failed too often.
    pub end: Option<End>,
}

impl Tally {
    pub(super) fn count(&mut self, ended: &Ended) {
        *match ended {
            Ended::Settled(Outcome::Stored) => &mut self.stored,
            Ended::Settled(Outcome::Superseded) => &mut self.superseded,
            Ended::Settled(Outcome::HandedOver) => &mut self.handed_over,
            Ended::PerhapsDeleted(_) => &mut self.unconfirmed,
            Ended::Left { .. } => &mut self.left,
        } += 1;
    }

    pub(super) fn ended(self, end: End) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }

    pub(super) fn broken_off(self) -> Self {
        Self { end: None, ..self }
    }

    /// Letters dealt with.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.stored + self.superseded + self.handed_over + self.left + self.unconfirmed
    }

    /// Whether everything that was asked for is done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left + self.unconfirmed == 0 && matches!(self.end, Some(End::Empty | End::Limit))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stored,
            superseded,
            handed_over,
            left,
            unconfirmed,
            end,
        } = self;
        let letters = counted(self.taken());
        write!(
            f,
            "{letters}: {stored} stored, {superseded} superseded, {handed_over} handed over, {left} left"
        )?;
        if *unconfirmed > 0 {
            write!(
                f,
                ", {unconfirmed} settled but perhaps not deleted; run again to see"
            )?;
        }
        match end {
            Some(End::Empty | End::Limit) => Ok(()),
            Some(End::Interrupted) => write!(f, "; interrupted"),
            Some(End::Circling) => write!(f, "; locks end too soon, run again"),
            None => write!(
                f,
                "; stopped, for the storage did not take {OUTAGE_AFTER} letters in a row"
            ),
        }
    }
}
