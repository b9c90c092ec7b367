//! The broker's enqueue time, in the forms the host writes it.

use std::{fmt, str::FromStr};

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// When the broker accepted the message, in UTC and whole seconds: all that the host passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnqueuedTime(OffsetDateTime);

/// A time in neither of the forms the host uses.
#[derive(Debug, thiserror::Error)]
#[error("expected a time as 2026-05-04T09:30:10, with or without fraction and offset")]
pub struct EnqueuedTimeError;

impl EnqueuedTime {
    /// Seconds from `earlier` to `self`; negative when `self` came first.
    pub(super) fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).whole_seconds()
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

#[cfg(test)]
mod tests {
    use super::*;

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
