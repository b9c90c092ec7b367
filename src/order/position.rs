//! Where a message stands in the queue: the broker's number and the time it was accepted.
//!
//! The number alone is not enough: it restarts when a queue is deleted and created again, and each
//! partition of a queue counts for itself. Every verdict on two positions therefore needs both, and
//! says so when they contradict each other.

use std::cmp::Ordering;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::macros::{datetime, format_description};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A lower number that was accepted more than this many seconds later belongs to a queue created
/// anew. Numbers and times that contradict each other within it decide nothing.
pub const CONTRADICTION_WINDOW_SECS: i64 = 60;

/// How far two clocks of the service may be apart, and how far one may step back within one life of
/// a queue, in seconds. Less than it takes to create a queue anew: a straggler of its former life
/// must not pass for newer.
pub const CLOCK_STEP_MAX_SECS: i64 = 2;

/// The broker's `SequenceNumber`: unique and rising within one partition and one life of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(pub u64);

impl SequenceNumber {
    /// The partition that gave it out: the upper 16 bits (Service Bus, "Message sequencing and
    /// timestamps"). Numbers of two partitions say nothing about each other. 0 in a queue without
    /// partitions.
    #[must_use]
    pub fn partition(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

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

/// When the broker accepted the message, in UTC and whole seconds: all that the host passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnqueuedTime(OffsetDateTime);

/// A time in neither of the forms the host uses.
#[derive(Debug, thiserror::Error)]
#[error("expected a time as 2026-05-04T09:30:10, with or without fraction and offset")]
pub struct EnqueuedTimeError;

impl EnqueuedTime {
    /// Seconds from `earlier` to `self`; negative when `self` came first.
    pub(crate) fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).whole_seconds()
    }

    /// What a clock shows that nobody has set: the first moment of .NET, of Windows' file times, or
    /// of Unix. No broker has accepted a message then.
    fn is_unset(self) -> bool {
        const FIRST_MOMENTS: [OffsetDateTime; 3] = [
            datetime!(0001-01-01 00:00:00 UTC),
            datetime!(1601-01-01 00:00:00 UTC),
            OffsetDateTime::UNIX_EPOCH,
        ];
        FIRST_MOMENTS.contains(&self.0)
    }
}

impl From<OffsetDateTime> for EnqueuedTime {
    /// In whole seconds, so that two sources agree; not in UTC where RFC 3339 cannot write that.
    fn from(time: OffsetDateTime) -> Self {
        let utc = time.checked_to_offset(UtcOffset::UTC);
        let time = utc.filter(|utc| utc.year() >= 0).unwrap_or(time);
        Self(time.replace_nanosecond(0).unwrap_or(time))
    }
}

impl FromStr for EnqueuedTime {
    type Err = EnqueuedTimeError;

    /// Reads RFC 3339 and the zoneless form of `EnqueuedTimeUtc`, which means UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ZONELESS: &[time::format_description::BorrowedFormatItem<'_>] = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]"
        );
        OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| {
                PrimitiveDateTime::parse(text, ZONELESS).map(PrimitiveDateTime::assume_utc)
            })
            .ok()
            .filter(|time| time.year() >= 0) // what RFC 3339 cannot write
            .map(Self::from)
            .ok_or(EnqueuedTimeError)
    }
}

impl fmt::Display for EnqueuedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.format(&Rfc3339).map_err(|_| fmt::Error)?;
        f.write_str(&text)
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

impl Position {
    /// `None` where one of them is what a broker's double writes that counts nothing: such a place
    /// would be that of every message.
    #[must_use]
    pub fn new(sequence: SequenceNumber, enqueued: EnqueuedTime) -> Option<Self> {
        let is_place = sequence.0 != 0 && !enqueued.is_unset();
        is_place.then_some(Self { sequence, enqueued })
    }
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
    /// It came later by the clocks of two partitions, whose numbers cannot be compared.
    Later,
    /// It has the stored one's place.
    Same,
    /// What is stored came later: higher number, not accepted earlier; or another partition
    /// accepted it clearly later.
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
        if self.sequence.partition() != stored.sequence.partition() {
            return match age {
                _ if age > CLOCK_STEP_MAX_SECS => Standing::Later,
                _ if age < -CLOCK_STEP_MAX_SECS => Standing::Superseded,
                _ => Standing::Contradictory,
            };
        }
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

    /// Whether `later` has a higher number of the same partition, and a time that is not earlier.
    /// Then whatever is stored lets `later` in if it lets this one in, and goes on to keep out this
    /// one if it keeps out `later`: of the two, `later` alone need be written.
    ///
    /// Two partitions' places never stand like this, however far their times are apart: the one in
    /// between that makes the later of them certain may be this one.
    #[must_use]
    pub fn gives_way_to(self, later: Self) -> bool {
        self.sequence.partition() == later.sequence.partition()
            && self.sequence < later.sequence
            && self.enqueued <= later.enqueued
    }
}

#[cfg(test)]
mod tests {
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
    fn between_partitions_the_time_decides_where_it_is_clear() {
        let (third, ninth) = (844_424_930_131_985, 2_533_274_790_395_909);
        assert_eq!(SequenceNumber(third).partition(), 3);
        assert_eq!(SequenceNumber(ninth).partition(), 9);
        for (ours, stored, age, expected) in [
            (ninth, third, -1, Standing::Contradictory),
            (third, ninth, 1, Standing::Contradictory),
            (third, ninth, 0, Standing::Contradictory),
            (third, ninth, 2, Standing::Contradictory),
            (third, ninth, 3, Standing::Later),
            (ninth, third, 86_400, Standing::Later),
            (ninth, third, -3, Standing::Superseded),
            (third, ninth, -3, Standing::Superseded),
            (1, ninth, 61, Standing::Later),
            (third + 1, third, 0, Standing::Newer),
            (third - 1, third, -1, Standing::Superseded),
        ] {
            let (ours, stored) = (at(ours, age), at(stored, 0));
            assert_eq!(ours.against(stored), expected, "{ours} against {stored}");
        }
    }

    #[test]
    fn what_a_double_that_counts_nothing_writes_is_no_place() {
        let place =
            |sequence, time: &str| Position::new(SequenceNumber(sequence), time.parse().unwrap());
        assert!(place(1, "2026-05-04T09:30:10").is_some());
        for (sequence, time) in [
            (0, "2026-05-04T09:30:10"),
            (0, "0001-01-01T00:00:00"),
            (7, "0001-01-01T00:00:00"),
            (7, "1601-01-01T00:00:00Z"),
            (7, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(place(sequence, time), None, "#{sequence} of {time}");
        }
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

    #[test]
    fn every_form_of_the_hosts_times_reads_as_the_same_second() {
        let expected = "2026-05-04T09:30:10Z";
        for text in [
            "2026-05-04T09:30:10",
            "2026-05-04T09:30:10.123",
            "2026-05-04T09:30:10+00:00",
            "2026-05-04T11:30:10.9999999+02:00",
            "2026-05-04T09:30:10Z",
        ] {
            assert_eq!(text.parse::<EnqueuedTime>().unwrap().to_string(), expected);
        }
        for text in [
            "",
            "today",
            "05/04/2026 09:30:00",
            "2026-05-04",
            "-2026-05-04T09:30:10",
        ] {
            assert!(text.parse::<EnqueuedTime>().is_err(), "{text}");
        }
    }
}
