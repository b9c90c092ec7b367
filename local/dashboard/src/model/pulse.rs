//! The last minute, second by second: how many came, how many went, how long they took, what
//! failed, and how many waited.

use std::collections::VecDeque;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// Seconds that are shown.
const SECONDS: usize = 60;

/// Times that are kept of one second: the first ones, which of many are as good as all.
const TIMES_MAX: usize = 2_000;

/// The seconds that are over, oldest first, and the one that runs.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    over: VecDeque<Second>,
    running: Second,
    /// Which second since 1970 runs; nothing before the first tick.
    at: Option<i64>,
}

#[derive(Debug, Clone, Default)]
struct Second {
    accepted: u32,
    settled: u32,
    failed: u32,
    waiting: usize,
    /// From the queue's acceptance to the storage's, in microseconds.
    took: Vec<u32>,
    percentiles: Percentiles,
}

/// In milliseconds; nothing when nothing was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    p50: Option<f64>,
    p99: Option<f64>,
}

impl Percentiles {
    fn of(mut times: Vec<u32>) -> Self {
        Self {
            p50: percentile(&mut times, 50),
            p99: percentile(&mut times, 99),
        }
    }
}

/// The smallest time that so many of a hundred do not exceed (nearest rank).
fn percentile(times: &mut [u32], percent: usize) -> Option<f64> {
    let rank = (times.len() * percent).div_ceil(100).checked_sub(1)?;
    let (_, time, _) = times.select_nth_unstable(rank);
    Some(f64::from(*time / 10) / 100.0)
}

impl Pulse {
    /// Takes the time; true when another second runs now and there is something to tell.
    pub(super) fn tick(&mut self, now: OffsetDateTime, waiting: usize) -> bool {
        let second = now.unix_timestamp();
        let passed = self.at.map_or(0, |at| second.saturating_sub(at));
        self.at = Some(second);
        // A clock that was set back ends nothing.
        let ended = usize::try_from(passed).unwrap_or_default();
        let was_loud = self.is_loud();
        for _ in 0..ended.min(SECONDS + 1) {
            let quiet = Second {
                waiting: self.running.waiting,
                ..Second::default()
            };
            let mut second = std::mem::replace(&mut self.running, quiet);
            second.percentiles = Percentiles::of(second.took.clone());
            if self.over.len() == SECONDS {
                self.over.pop_front();
            }
            self.over.push_back(second);
        }
        self.running.waiting = waiting;
        ended > 0 && (was_loud || self.is_loud())
    }

    fn is_loud(&self) -> bool {
        let all = self.over.iter().chain([&self.running]);
        all.into_iter()
            .any(|it| it.accepted + it.settled + it.failed > 0 || it.waiting > 0)
    }

    pub(super) fn accepted(&mut self) {
        self.running.accepted += 1;
    }

    pub(super) fn settled(&mut self) {
        self.running.settled += 1;
    }

    pub(super) fn failed(&mut self) {
        self.running.failed += 1;
    }

    /// An order was stored so long after the queue took it.
    pub(super) fn stored(&mut self, took: Duration) {
        if self.running.took.len() < TIMES_MAX {
            let micros = took.whole_microseconds().clamp(0, u32::MAX.into());
            self.running
                .took
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    /// For the page: a number for each second that is over, and the minute's percentiles.
    pub(crate) fn shown(&self) -> impl Serialize + use<> {
        let all: Vec<u32> = self.over.iter().flat_map(|it| it.took.clone()).collect();
        ShownPulse {
            accepted: self.over.iter().map(|it| it.accepted).collect(),
            settled: self.over.iter().map(|it| it.settled).collect(),
            failed: self.over.iter().map(|it| it.failed).collect(),
            waiting: self.over.iter().map(|it| it.waiting).collect(),
            p50: self.over.iter().map(|it| it.percentiles.p50).collect(),
            p99: self.over.iter().map(|it| it.percentiles.p99).collect(),
            minute: Percentiles::of(all),
        }
    }
}

#[derive(Debug, Serialize)]
struct ShownPulse {
    accepted: Vec<u32>,
    settled: Vec<u32>,
    failed: Vec<u32>,
    waiting: Vec<usize>,
    p50: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
    minute: Percentiles,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-04 09:30 UTC);

    #[test]
    fn a_second_is_told_when_it_is_over_and_forgotten_after_a_minute() {
        let mut pulse = Pulse::default();
        assert!(!pulse.tick(NOW, 0));
        for millis in 1..=100 {
            pulse.accepted();
            pulse.stored(Duration::milliseconds(millis));
        }
        assert_eq!(json!(pulse.shown())["accepted"], json!([]));
        assert!(!pulse.tick(NOW + Duration::milliseconds(900), 7));
        assert!(pulse.tick(NOW + Duration::seconds(2), 3));
        let shown = json!(pulse.shown());
        assert_eq!(shown["accepted"], json!([100, 0]));
        assert_eq!(shown["waiting"], json!([7, 7]));
        assert_eq!(shown["p50"], json!([50.0, null]));
        assert_eq!(shown["minute"], json!({ "p50": 50.0, "p99": 99.0 }));
        assert!(pulse.tick(NOW + Duration::hours(1), 0));
        let shown = json!(pulse.shown());
        assert_eq!(shown["accepted"], json!(vec![0; SECONDS]));
        assert_eq!(shown["minute"], json!({ "p50": null, "p99": null }));
    }

    #[test]
    fn what_is_quiet_needs_no_telling_and_a_clock_set_back_ends_nothing() {
        let mut pulse = Pulse::default();
        pulse.tick(NOW, 0);
        assert!(!pulse.tick(NOW + Duration::seconds(1), 0));
        assert!(!pulse.tick(NOW - Duration::hours(1), 0));
        assert_eq!(json!(pulse.shown())["accepted"], json!([0]));
    }

    #[test]
    fn times_are_bounded() {
        let mut pulse = Pulse::default();
        for _ in 0..3 * TIMES_MAX {
            pulse.stored(Duration::MAX);
        }
        assert_eq!(pulse.running.took.len(), TIMES_MAX);
    }
}
