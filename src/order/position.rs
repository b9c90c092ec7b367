//! Where a message stands in the queue: the broker's number and the time it was accepted.
//!
//! The number alone is not enough: it restarts when a queue is deleted and created again. Every
//! verdict on two positions therefore needs both, and says so when they contradict each other.

use std::{cmp::Ordering, fmt, num::ParseIntError, str::FromStr};

use super::EnqueuedTime;

/// A lower number that was accepted more than this many seconds later belongs to a queue created
/// anew. Numbers and times that contradict each other within it decide nothing.
pub const CONTRADICTION_WINDOW_SECS: i64 = 60;

/// How far the broker's clock may step back within one life of a queue, in seconds. Less than it
/// takes to create a queue anew: a straggler of its former life must not pass for newer.
pub const CLOCK_STEP_MAX_SECS: i64 = 2;

/// The broker's `SequenceNumber`: unique and rising within one life of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(pub u64);

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SequenceNumber {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A message's place in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The broker's number.
    pub sequence: SequenceNumber,
    /// When the broker accepted it.
    pub enqueued: EnqueuedTime,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} of {}", self.sequence, self.enqueued)
    }
}

/// What a message is to the order that is stored already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came later in the same numbering.
    Newer,
    /// It is the very message that is stored.
    Same,
    /// What is stored came later: higher number, not accepted earlier.
    Superseded,
    /// It came later although its number is not higher: the queue was recreated in between.
    Renumbered,
    /// Number and time disagree, and neither explains the other.
    Contradictory,
}

impl Position {
    /// Compares this message with the `stored` one, by number and by time.
    #[must_use]
    pub fn against(self, stored: Self) -> Standing {
        let age = self.enqueued.seconds_since(stored.enqueued);
        match self.sequence.cmp(&stored.sequence) {
            Ordering::Equal if age == 0 => Standing::Same,
            Ordering::Greater if age >= -CLOCK_STEP_MAX_SECS => Standing::Newer,
            Ordering::Less if age <= 0 => Standing::Superseded,
            Ordering::Less | Ordering::Equal if age > CONTRADICTION_WINDOW_SECS => {
                Standing::Renumbered
            }
            _ => Standing::Contradictory,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn at(sequence: u64, seconds: i64) -> Position {
        let enqueued = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_000_000 + seconds);
        Position {
            sequence: SequenceNumber(sequence),
            enqueued: enqueued.into(),
        }
    }

    #[test]
    fn a_position_is_shown_with_number_and_time() {
        assert_eq!(at(100, 0).to_string(), "#100 of 1970-01-12T13:46:40Z");
    }

    #[test]
    fn number_and_time_decide_together() {
        let stored = at(100, 0);
        for (ours, expected) in [
            (at(101, 0), Standing::Newer),
            (at(101, -2), Standing::Newer),
            (at(101, -3), Standing::Contradictory),
            (at(100, 0), Standing::Same),
            (at(100, 60), Standing::Contradictory),
            (at(100, 61), Standing::Renumbered),
            (at(100, -1), Standing::Contradictory),
            (at(99, 0), Standing::Superseded),
            (at(99, -86_400), Standing::Superseded),
            (at(99, 1), Standing::Contradictory),
            (at(99, 60), Standing::Contradictory),
            (at(99, 61), Standing::Renumbered),
        ] {
            assert_eq!(ours.against(stored), expected, "{ours} against {stored}");
        }
    }
}
