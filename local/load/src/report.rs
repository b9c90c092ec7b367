//! What a run has shown: figures, and the verdict in one line.

pub mod breaches;
mod counts;
mod latency;
mod text;

use std::time::Duration;

use serde::Serialize;

use super::evidence::Evidence;
use super::judge::{Fates, Verdict, Violation};
use super::saboteur::Done;
use super::{LoadError, Pace, Plan};
pub use counts::{Clicks, Messages};
pub use latency::Latency;

/// How the sending went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sending {
    pub(super) arrived: u64,
    pub(super) replaced: u64,
    pub(super) took: Duration,
    pub(super) settled: Duration,
    pub(super) sabotage: Done,
    pub(super) restarts: usize,
    pub(super) quiet: bool,
}

/// The figures and the verdict of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `--seed` for the same carts and the same faults again.
    pub seed: u64,
    /// Carts asked for a second; none at the highest rate.
    pub rate: Option<f64>,
    /// Sessions or shoppers.
    pub sessions: usize,
    /// What was sent.
    pub messages: Messages,
    /// Clicks in the storefront, when it was driven.
    pub clicks: Option<Clicks>,
    /// Where the accepted carts are.
    pub fates: Fates,
    /// Writes of their blobs.
    pub writes: usize,
    /// E-mails about them, also where a later cart was stored afterwards.
    pub mails: usize,
    /// Seconds in which carts were sent.
    pub seconds: f64,
    /// Seconds until the queue was quiet.
    pub settled_seconds: f64,
    /// Accepted carts a second, by the time until the queue was quiet.
    pub throughput: f64,
    /// From the moment a cart was due until the queue, or the page, had confirmed it.
    pub to_accepted: Latency,
    /// From the moment a cart was due until its session's blob held it or a later one.
    pub to_stored: Latency,
    /// What went wrong on purpose.
    pub faults: Done,
    /// How often the stack began anew.
    pub restarts: usize,
    /// Whether the queue was quiet at the end.
    pub quiet: bool,
    /// Whether the promise was kept.
    pub kept: bool,
    /// Every breach of it.
    pub violations: Vec<Violation>,
}

impl Report {
    pub(super) fn of(plan: &Plan, evidence: &Evidence, verdict: Verdict, sending: Sending) -> Self {
        let messages = Messages::of(evidence, sending.arrived, sending.replaced);
        Self {
            messages,
            clicks: None,
            fates: verdict.fates,
            writes: evidence.writes.len(),
            mails: counts::mails(evidence),
            to_accepted: latency::to_accepted(evidence),
            to_stored: latency::to_stored(evidence),
            violations: verdict.violations,
            ..Self::blank(plan, messages.accepted, sending)
        }
        .judged()
    }

    /// What the plan and the clock say; the rest is for the caller.
    pub(super) fn blank(plan: &Plan, accepted: usize, sending: Sending) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let throughput = accepted as f64 / sending.settled.as_secs_f64().max(0.001);
        Self {
            seed: plan.seed,
            rate: match plan.pace {
                Pace::Rate(rate) => Some(rate),
                Pace::Max => None,
            },
            sessions: plan.carts,
            messages: Messages::default(),
            clicks: None,
            fates: Fates::default(),
            writes: 0,
            mails: 0,
            seconds: sending.took.as_secs_f64(),
            settled_seconds: sending.settled.as_secs_f64(),
            throughput,
            to_accepted: Latency::default(),
            to_stored: Latency::default(),
            faults: sending.sabotage,
            restarts: sending.restarts,
            quiet: sending.quiet,
            kept: false,
            violations: Vec::new(),
        }
    }

    /// Nothing accepted proves nothing.
    pub(super) fn judged(mut self) -> Self {
        let anything =
            self.messages.accepted > 0 || self.clicks.is_some_and(|clicks| clicks.confirmed > 0);
        self.kept = self.violations.is_empty() && anything;
        self
    }

    /// Writes `report.json` into the folder of `--out`.
    pub(super) fn keep(&self, plan: &Plan) -> Result<(), LoadError> {
        let Some(folder) = &plan.out else {
            return Ok(());
        };
        let path = folder.join("report.json");
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, self.json()));
        written.map_err(|source| LoadError::File {
            path: path.display().to_string(),
            source,
        })
    }

    /// For other tools.
    #[must_use]
    pub fn json(&self) -> String {
        // These types have no state that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
