//! How long things took, from the moment they were due.

use std::collections::{HashMap, HashSet};

use hdrhistogram::Histogram;
use serde::Serialize;
use time::OffsetDateTime;

use crate::evidence::{Evidence, Sent};

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Over how many.
    pub count: u64,
    /// Half of them.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// All but one of a hundred.
    pub p99: f64,
    /// All but one of a thousand.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl Latency {
    pub(crate) fn from_microseconds(times: impl Iterator<Item = i128>) -> Self {
        // Three digits: what was asked for is known to be a legal precision.
        let Ok(mut histogram) = Histogram::<u64>::new(3) else {
            return Self::default();
        };
        for time in times {
            // It grows with its values, so none is too large for it.
            histogram
                .record(u64::try_from(time.max(1)).unwrap_or(u64::MAX))
                .ok();
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let milliseconds = |microseconds: u64| microseconds as f64 / 1_000.0;
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(histogram.max()),
        }
    }
}

/// Until the queue said 201.
pub(super) fn to_accepted(evidence: &Evidence) -> Latency {
    Latency::from_microseconds(
        evidence
            .accepted()
            .map(|sent| (sent.answered - sent.due).whole_microseconds()),
    )
}

/// Accepted carts that are stored or superseded, a second, from the first due to the last write.
pub(super) fn stored_throughput(evidence: &Evidence) -> f64 {
    let first = evidence.sent.iter().map(|sent| sent.due).min();
    let ids: HashSet<&str> = evidence
        .sent
        .iter()
        .map(|sent| sent.message_id.as_str())
        .collect();
    let ours = evidence.writes.iter().filter(|write| {
        let id = write.mark.message_id.as_deref();
        id.is_some_and(|id| ids.contains(id))
    });
    let last = ours.map(|write| write.at).max();
    let (Some(first), Some(last)) = (first, last) else {
        return 0.0;
    };
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let count = to_stored(evidence).count as f64;
    count / (last - first).as_seconds_f64().max(0.001)
}

/// Until the queue had said 201 and the session's blob held this cart or a later one: the function
/// may be faster than the answer.
pub(super) fn to_stored(evidence: &Evidence) -> Latency {
    let by_id: HashMap<&str, &Sent> = evidence
        .sent
        .iter()
        .map(|sent| (sent.message_id.as_str(), sent))
        .collect();
    let mut writes: HashMap<&str, Vec<(u64, OffsetDateTime)>> = HashMap::new();
    for write in &evidence.writes {
        if let Some(sent) = write
            .mark
            .message_id
            .as_deref()
            .and_then(|id| by_id.get(id))
        {
            writes
                .entry(&sent.session)
                .or_default()
                .push((sent.revision, write.at));
        }
    }
    Latency::from_microseconds(evidence.accepted().filter_map(|sent| {
        let mut writes = writes.get(sent.session.as_str())?.iter();
        let (_, at) = writes.find(|(revision, _)| *revision >= sent.revision)?;
        Some(((*at).max(sent.answered) - sent.due).whole_microseconds())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let latency = Latency::from_microseconds((1..=1_000).map(|n| n * 1_000));
        assert_eq!(latency.count, 1_000);
        assert!((latency.p50 - 500.0).abs() < 1.0, "{latency:?}");
        assert!((latency.max - 1_000.0).abs() < 1.0, "{latency:?}");
        assert_eq!(Latency::from_microseconds(std::iter::empty()).count, 0);
    }
}
