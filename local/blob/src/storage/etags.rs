//! ETags: the clock in steps of 100 ns, as in the service's, and never the same step twice.

use time::OffsetDateTime;

/// What tells one state of a container or blob from another.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) etag: String,
    pub(crate) last_modified: OffsetDateTime,
}

/// The step of the last ETag that was given out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ETags(i128);

impl ETags {
    /// A new one, of this moment.
    pub(super) fn stamp(&mut self) -> Stamp {
        let now = OffsetDateTime::now_utc();
        self.0 = (now.unix_timestamp_nanos() / 100).max(self.0 + 1);
        Stamp {
            etag: self.last(),
            last_modified: now,
        }
    }

    /// An ETag that was given out earlier, and is not to come again. False when it is none of ours.
    pub(super) fn saw(&mut self, etag: &str) -> bool {
        let digits = etag.trim_matches('"').strip_prefix("0x");
        let step = digits.and_then(|digits| i128::from_str_radix(digits, 16).ok());
        self.0 = self.0.max(step.unwrap_or_default());
        step.is_some()
    }

    /// A new one, as soon after the last one as there can be.
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        self.last()
    }

    /// The last one; quotes included.
    pub(super) fn last(self) -> String {
        format!("\"0x{:X}\"", self.0)
    }
}
