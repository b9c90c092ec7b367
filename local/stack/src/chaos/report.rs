//! What a run has shown: figures, and the verdict in one line.

mod figures;
mod text;

use std::time::Duration;

use serde::Serialize;

use super::Plan;
use super::injector::Done;
use super::verdict::Found;
pub use figures::Figures;
use load::judge::Violation;

/// What a run has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every message is accounted for, no blob went back, and no poison was stored.
    Kept,
    /// So it is, but not all messages could be sent, or some still wait.
    Incomplete,
    /// The promise was broken.
    Broken,
}

/// A run from its seed to its verdict.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// `--seed` for the same messages and the same schedule again.
    pub seed: u64,
    /// What does it again.
    pub replay: String,
    /// Messages asked for.
    pub messages: usize,
    /// The figures.
    pub figures: Figures,
    /// Seconds of sending.
    pub seconds: f64,
    /// Seconds until the queue was at rest.
    pub settled_seconds: f64,
    /// Whether it came to rest.
    pub quiet: bool,
    /// Breaches of the promise, as the judge found them.
    pub violations: Vec<Violation>,
    /// What else is wrong.
    pub problems: Vec<String>,
}

impl Report {
    pub(super) fn of(found: Found, done: Done, sending: Duration, settled: Duration) -> Self {
        let figures = Figures::of(&found, done);
        let Found {
            plan,
            verdict,
            problems,
            quiet,
            ..
        } = found;
        let broken = !verdict.kept() || !problems.is_empty();
        let complete = quiet && figures.accepted >= plan.messages;
        Self {
            verdict: match (broken, complete) {
                (true, _) => Verdict::Broken,
                (false, true) => Verdict::Kept,
                (false, false) => Verdict::Incomplete,
            },
            seed: plan.seed,
            replay: replay(&plan),
            messages: plan.messages,
            figures,
            seconds: sending.as_secs_f64(),
            settled_seconds: settled.as_secs_f64(),
            quiet,
            violations: verdict.violations,
            problems,
        }
    }

    /// For other tools.
    #[must_use]
    pub fn json(&self) -> String {
        // These types have no state that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn replay(plan: &Plan) -> String {
    let limit = humantime::format_duration(plan.limit).to_string();
    format!(
        "just chaos --seed {} --messages {} --sessions {} --limit {}",
        plan.seed,
        plan.messages,
        plan.sessions,
        limit.replace(' ', "")
    )
}
