//! What a run has shown: figures, and the verdict in one line.

mod latency;
mod text;

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

use super::chaos::Done;
use super::evidence::{Evidence, Fate};
use super::judge::{Fates, Verdict, Violation};
use super::run::count;
use super::{LoadError, Pace, Plan};
pub use latency::Latency;

/// How the sending went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sending {
    pub(super) arrived: u64,
    pub(super) replaced: u64,
    pub(super) took: Duration,
    pub(super) settled: Duration,
    pub(super) chaos: Done,
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

/// Messages by what the queue said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// Carts that were due.
    pub due: u64,
    /// Of them, those that a newer one replaced before they were sent.
    pub replaced: u64,
    /// Those whose sending has come to an end.
    pub sent: usize,
    /// 201.
    pub accepted: usize,
    /// No.
    pub refused: usize,
    /// The answer never came.
    pub maybe: usize,
    /// Sent more than once.
    pub retried: usize,
    /// Accepted after a try without a clear answer: the queue may have had them twice.
    pub duplicates: usize,
}

/// Clicks by what the page said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clicks {
    /// All of them.
    pub clicks: u64,
    /// Those that changed a cart.
    pub confirmed: u64,
    /// Those that changed nothing, as the rules of the cart have it.
    pub without_effect: u64,
    /// Those turned away, or without an answer.
    pub failed: u64,
    /// Sessions whose last click never got an answer: what they see is not judged.
    pub unsure: usize,
}

impl Report {
    pub(super) fn of(plan: &Plan, evidence: &Evidence, verdict: Verdict, sending: Sending) -> Self {
        let accepted = count(evidence, |fate| fate == Fate::Accepted);
        let sent = &evidence.sent;
        let messages = Messages {
            // After an interrupt nobody has counted.
            due: sending
                .arrived
                .max(u64::try_from(sent.len()).unwrap_or(u64::MAX)),
            replaced: sending.replaced,
            sent: sent.len(),
            accepted,
            refused: count(evidence, |fate| matches!(fate, Fate::Refused(_))),
            maybe: count(evidence, |fate| fate == Fate::Maybe),
            retried: sent.iter().filter(|sent| sent.tries > 1).count(),
            duplicates: sent
                .iter()
                .filter(|sent| sent.unclear && sent.fate == Fate::Accepted)
                .count(),
        };
        Self {
            messages,
            clicks: None,
            fates: verdict.fates,
            writes: evidence.writes.len(),
            mails: mails(evidence),
            to_accepted: latency::to_accepted(evidence),
            to_stored: latency::to_stored(evidence),
            violations: verdict.violations,
            ..Self::blank(plan, accepted, sending)
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
            faults: sending.chaos,
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

/// E-mails about what was sent here; there may be older ones of other runs.
fn mails(evidence: &Evidence) -> usize {
    let ours: HashSet<&str> = evidence
        .sent
        .iter()
        .map(|sent| sent.message_id.as_str())
        .collect();
    let ids = evidence.mailed.iter().map(|mailed| &mailed.message_id);
    ids.filter(|id| id.as_deref().is_some_and(|id| ours.contains(id)))
        .count()
}
